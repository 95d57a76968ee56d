import type { Kpi } from "../../project/report.js";
import { sparkline } from "./sparkline.js";
import { toolsOf, type View } from "./view.js";

/** A card with one figure, its unit, its change and what it means. */
export function kpiCard(view: View, kpi: Kpi, id: string): Element {
  const { make, word, formatted } = toolsOf(view);
  const value =
    kpi.value === null
      ? make("p", { class: "value missing" }, word("noValue"))
      : make(
          "p",
          { class: "value" },
          formatted(kpi.value, kpi.format),
          kpi.unit === undefined ? null : make("span", { class: "unit" }, ` ${kpi.unit}`),
        );
  return make(
    "article",
    { class: "card kpi", id },
    make("h3", {}, kpi.label),
    value,
    change(view, kpi),
    kpi.trend === undefined ? null : sparkline(view.document, kpi.trend),
    make("p", { class: "definition" }, kpi.definition),
  );
}

function change(view: View, kpi: Kpi): Element | null {
  const { make, word, formatted } = toolsOf(view);
  if (kpi.previous === undefined) return null;
  const { value, period, better } = kpi.previous;
  const versus = word("versus", { period });
  if (value === null || kpi.value === null || (value === 0 && kpi.format.as !== "percent")) {
    return make("p", { class: "change" }, `${word("noValue")} ${versus}`);
  }
  // A rate changes by percentage points, anything else by a share of what it was.
  const difference = kpi.format.as === "percent" ? kpi.value - value : (kpi.value - value) / Math.abs(value);
  const size = formatted(Math.abs(difference), { as: "percent", digits: 1 });
  if (Math.abs(difference) < 0.0005) return make("p", { class: "change" }, `${word("noChange")} ${versus}`);
  const direction = difference > 0 ? "up" : "down";
  const judged = better === undefined ? "" : better === direction ? " good" : " bad";
  const points =
    kpi.format.as === "percent" ? size.replace(/\s?%/, view.locale === "en" ? " pp" : " poin") : size;
  return make(
    "p",
    { class: `change${judged}` },
    make("strong", {}, `${direction === "up" ? "▲ +" : "▼ −"}${points}`),
    ` ${versus}`,
  );
}
