import type { Word } from "../words.js";
import { toolsOf, type View } from "./view.js";

/** Title and subtitle of a card. */
export function heading(view: View, item: { readonly title: string; readonly subtitle?: string }): Element[] {
  const { make } = toolsOf(view);
  const title = make("h3", {}, item.title);
  return item.subtitle === undefined ? [title] : [title, make("p", { class: "subtitle" }, item.subtitle)];
}

/** What stands in the place of an item without rows. */
export function emptyNote(view: View): Element {
  return toolsOf(view).make("p", { class: "empty" }, view.emptyBecause);
}

export function sourceLine(view: View, source: string | undefined): Element | null {
  const { make, word } = toolsOf(view);
  return source === undefined ? null : make("p", { class: "source" }, `${word("source")}: ${source}`);
}

export type DownloadForm = "csv" | "xlsx" | "svg" | "png";

const words: Record<DownloadForm, readonly [Word, Word]> = {
  csv: ["downloadCsv", "downloadCsvOf"],
  xlsx: ["downloadXlsx", "downloadXlsxOf"],
  svg: ["downloadSvg", "downloadSvgOf"],
  png: ["downloadPng", "downloadPngOf"],
};

/** Buttons that the page's script answers, by `data-download` and the item's id. */
export function downloadButtons(
  view: View,
  title: string,
  id: string,
  forms: readonly DownloadForm[],
): Element {
  const { make, word } = toolsOf(view);
  return make(
    "div",
    { class: "downloads needs-script" },
    ...forms.map((form) => {
      const [short, long] = words[form];
      return make(
        "button",
        {
          type: "button",
          "data-download": form,
          "data-item": id,
          "aria-label": `${word(short)}: ${word(long, { title })}`,
          title: word(long, { title }),
        },
        word(short),
      );
    }),
  );
}
