import type { Item, Section } from "../../project/report.js";
import { chartFigure } from "./chart-figure.js";
import { kpiCard } from "./kpi-card.js";
import { tableCard } from "./table-card.js";
import { itemId, toolsOf, type View } from "./view.js";

/** One section of the page: its items stand in a grid. */
export function sectionElement(view: View, section: Section, index: number): Element {
  const { make } = toolsOf(view);
  const id = `section-${index + 1}`;
  return make(
    "section",
    { class: "section", id, "aria-labelledby": `${id}-title` },
    make("h2", { id: `${id}-title` }, section.title),
    section.description === undefined ? null : make("p", { class: "lead" }, section.description),
    make(
      "div",
      { class: "items" },
      ...section.items.map((item, place) => itemElement(view, item, itemId(index, place))),
    ),
  );
}

/** One item. */
export function itemElement(view: View, item: Item, id: string): Element {
  const { make } = toolsOf(view);
  switch (item.kind) {
    case "kpi":
      return kpiCard(view, item, id);
    case "chart":
      return chartFigure(view, item, id);
    case "table":
      return tableCard(view, item, id);
    case "text":
      return make(
        "div",
        { class: "text full", id },
        ...item.text.split(/\n\s*\n/).map((paragraph) => make("p", {}, paragraph.trim())),
      );
  }
}
