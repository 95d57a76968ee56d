import { element } from "./element.js";
import type { Feed } from "./feed.js";
import { formatValue } from "./format-value.js";
import { emptyDocument, htmlDocument } from "./page.js";

const shownKpis = 3;

/** `build/reports/index.html`: every report by folder, with its first figures. */
export function indexPage(feeds: readonly Feed[], builtAt: Date): string {
  const document = emptyDocument();
  const make = (
    name: string,
    attributes: Record<string, string>,
    ...children: (Element | string | null)[]
  ): Element => element(document, name, attributes, ...children);
  const folders = new Map<string, Feed[]>();
  for (const feed of feeds) {
    const folder = feed.name.split("/").slice(0, -1).join(" / ");
    folders.set(folder, [...(folders.get(folder) ?? []), feed]);
  }
  const card = (feed: Feed): Element =>
    make(
      "li",
      {},
      make(
        "article",
        { class: "card" },
        make(
          "h3",
          {},
          make("a", { href: feed.page.split("/").map(encodeURIComponent).join("/") }, feed.title),
        ),
        make("p", {}, feed.description),
        feed.kpis.length === 0
          ? null
          : make(
              "dl",
              {},
              ...feed.kpis
                .slice(0, shownKpis)
                .map((kpi) =>
                  make(
                    "div",
                    {},
                    make("dt", {}, kpi.label),
                    make("dd", {}, formatValue(feed.locale, kpi.value, kpi.format)),
                  ),
                ),
            ),
        make(
          "p",
          { class: "stamp" },
          `Data as of ${formatValue("en", new Date(feed.dataAt), { as: "timestamp" })} UTC`,
        ),
      ),
    );
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
        `${feeds.length} reports, listed ${formatValue("en", builtAt, { as: "timestamp" })} UTC`,
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
