import { formatPlural } from "../base/format-quantity.js";
import { element } from "./element.js";
import type { Feed } from "./feed.js";
import { formatValue } from "./format-value.js";
import { emptyDocument, htmlDocument } from "./page.js";

const shownKpis = 3;
const time = (iso: string): string => formatValue("en", new Date(iso), { as: "timestamp" });

/** What the index says of one report. */
export interface IndexEntry {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** What its page shows; undefined while there is no page. */
  readonly feed: Feed | undefined;
  /** True: the last attempt failed, and the page is an earlier one. */
  readonly failed: boolean;
}

/** `build/reports/index.html`: every report by folder, with its first figures. */
export function indexPage(entries: readonly IndexEntry[], builtAt: Date): string {
  const document = emptyDocument();
  const make = (
    name: string,
    attributes: Record<string, string>,
    ...children: (Element | string | null)[]
  ): Element => element(document, name, attributes, ...children);
  const folders = new Map<string, IndexEntry[]>();
  for (const entry of entries) {
    const folder = entry.name.split("/").slice(0, -1).join(" / ");
    folders.set(folder, [...(folders.get(folder) ?? []), entry]);
  }
  const card = ({ name, title, description, feed, failed }: IndexEntry): Element => {
    const path = `${name}.html`.split("/").map(encodeURIComponent).join("/");
    const kpis = (feed?.kpis ?? []).slice(0, shownKpis);
    const state = feed === undefined ? "Not built yet" : `Data as of ${time(feed.dataAt)} UTC`;
    return make(
      "li",
      {},
      make(
        "article",
        { class: "card" },
        make("h3", {}, feed === undefined ? title : make("a", { href: path }, title)),
        make("p", {}, description),
        feed === undefined || kpis.length === 0
          ? null
          : make(
              "dl",
              {},
              ...kpis.map((kpi) =>
                make(
                  "div",
                  {},
                  make("dt", {}, kpi.label),
                  make("dd", {}, formatValue(feed.locale, kpi.value, kpi.format)),
                ),
              ),
            ),
        make("p", { class: "stamp" }, state),
        failed ? make("p", { class: "failed" }, "The last build failed: see the command's output.") : null,
      ),
    );
  };
  const body = make(
    "div",
    { class: "page" },
    make(
      "header",
      { class: "top" },
      make("h1", {}, "Reports"),
      make(
        "p",
        { class: "stamp" },
        `${formatPlural(entries.length, "report")}, listed ${time(builtAt.toISOString())} UTC`,
      ),
    ),
    make(
      "main",
      { id: "main" },
      ...[...folders].map(([folder, members]) =>
        make(
          "section",
          { class: "section" },
          folder === "" ? null : make("h2", {}, folder.charAt(0).toUpperCase() + folder.slice(1)),
          make("ul", { class: "reports" }, ...members.map(card)),
        ),
      ),
    ),
  );
  return htmlDocument({ locale: "en", title: "Reports", description: "All reports of this project.", body });
}
