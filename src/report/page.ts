import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { parseHTML } from "linkedom";
import { AquiferError } from "../base/errors.js";
import type { LocaleName } from "../project/report.js";
import { encodeRows } from "./columnar.js";
import { filterChoices, type FilterChoices } from "./filters.js";
import { freshnessLine, type Freshness } from "./freshness.js";
import type { LoadedReport } from "./load-reports.js";
import type { PageData } from "./page-data.js";
import type { ReadReport } from "./read-queries.js";
import { escapeText, serialize } from "./serialize.js";
import { styles } from "./styles.js";
import { emptyReason } from "./view/empty-reason.js";
import { filterBar } from "./view/filter-bar.js";
import { sectionElement } from "./view/section.js";
import { composeBody, toolsOf, type View } from "./view/view.js";
import { say } from "./words.js";

/** Widths that the server draws for: the desktop layout's columns, and a phone of 390 px. */
const drawnWidths = { half: 556, full: 1150, narrow: 324 } as const;

export interface PageInput {
  readonly loaded: LoadedReport;
  readonly read: ReadReport;
  readonly freshness: Freshness;
  /** The page's script, see `bundleScripts`. */
  readonly script: string;
  readonly builtAt: Date;
}

/** A new empty document of linkedom, typed as the browser's. */
export function emptyDocument(): Document {
  return parseHTML("<!doctype html><html><body></body></html>").document;
}

/** A report as one HTML file that needs nothing else. */
export function reportPage({ loaded, read, freshness, script, builtAt }: PageInput): string {
  const { report } = loaded;
  const document = emptyDocument();
  const view = serverView(document, loaded, read);
  const { make, word } = toolsOf(view);
  const choices = filterChoices(report, read.rows);
  refuseEndlessFilters(choices, loaded);
  const body = composeBody(report, read.rows);
  const up = "../".repeat(loaded.name.split("/").length - 1);
  const header = make(
    "header",
    { class: "top" },
    make(
      "div",
      { class: "crumbs" },
      make("a", { href: `${up}index.html` }, `← ${word("allReports")}`),
      themeButton(document, report.locale),
    ),
    make("h1", {}, report.title),
    make("p", { class: "description" }, report.description),
    freshnessLine(document, report.locale, freshness, builtAt),
  );
  const notice =
    read.missing.length === 0
      ? null
      : make(
          "div",
          { class: "notice", role: "note" },
          make("strong", {}, word("partial")),
          make(
            "ul",
            {},
            ...read.missing.map((relation) => make("li", {}, word("missingRelation", { relation }))),
          ),
        );
  const sections =
    body.length < 3
      ? null
      : make(
          "nav",
          { class: "sections", "aria-label": word("sections") },
          ...body.map((section, index) => make("a", { href: `#section-${index + 1}` }, section.title)),
        );
  const filters = filterBar(view, report, choices, {});
  const main = make(
    "main",
    { id: "main" },
    notice,
    sections,
    filters,
    filters ? make("p", { class: "note needs-no-script" }, word("filtersNeedScript")) : null,
    make("div", { id: "sections" }, ...body.map((section, index) => sectionElement(view, section, index))),
  );
  const data: PageData = {
    queries: Object.fromEntries(
      Object.entries(report.data).map(([name, query]) => [
        name,
        encodeRows(read.rows[name] ?? [], query.columns),
      ]),
    ),
    definitions: read.definitions,
    relations: read.relations,
    fileName: loaded.name.replaceAll("/", "-"),
  };
  return htmlDocument({
    locale: report.locale,
    title: report.title,
    description: report.description,
    body: make("div", { class: "page" }, header, main),
    live: { data: JSON.stringify(data), script },
  });
}

/** A list of thousands of values is no filter: nobody finds anything in it, and the page would hold them all. */
const mostChoices = 300;

function refuseEndlessFilters(choices: FilterChoices, { file }: LoadedReport): void {
  for (const [column, values] of Object.entries(choices)) {
    if (values.length <= mostChoices) continue;
    throw new AquiferError(
      `the filter "${column}" offers ${values.length} values, more than ${mostChoices}`,
      {
        code: "bad-report",
        location: { file },
        hint: "Filter by something coarser; to find one of many rows, give a table `search: true`.",
      },
    );
  }
}

function serverView(document: Document, { report }: LoadedReport, read: ReadReport): View {
  return {
    document,
    locale: report.locale,
    live: false,
    definitions: read.definitions,
    emptyBecause: emptyReason(report, read.rows, read.relations, ""),
    chartWidths: (_, width) => [drawnWidths[width], drawnWidths.narrow],
    tableState: () => ({ search: "", page: 0 }),
  };
}

/** The button that the page's script answers. */
export function themeButton(document: Document, locale: LocaleName): Element {
  const button = document.createElement("button");
  button.id = "theme";
  button.className = "needs-script";
  button.setAttribute("type", "button");
  button.setAttribute("aria-label", say(locale, "theme"));
  button.setAttribute("title", say(locale, "theme"));
  button.textContent = "◐";
  return button;
}

interface HtmlInput {
  readonly locale: LocaleName;
  readonly title: string;
  readonly description: string;
  readonly body: Element;
  /** What makes the page live; none on a page that needs only its theme. */
  readonly live?: { readonly data: string; readonly script: string };
}

/** Before anything is drawn: the reader's choice of theme. */
const themeScript = `try{var t=localStorage.getItem("theme");if(t)document.documentElement.dataset.theme=t}catch(e){}`;

/**
 * Unpacks data and script, and runs the script. It is put into the page as text of a script element, which the security
 * policy allows by its hash. A browser too old to unpack keeps the page as the server drew it.
 */
const loaderScript = `(async function(){if(!self.DecompressionStream)return;var u=async function(i){var b=Uint8Array.from(atob(document.getElementById(i).textContent),function(c){return c.charCodeAt(0)});return new Response(new Blob([b]).stream().pipeThrough(new DecompressionStream("gzip"))).text()};var d=JSON.parse(await u("page-data"));var s=document.createElement("script");s.textContent=await u("page-script");document.head.append(s);mountReport(d)})()`;

/** A page around a body, with a security policy that lets it do what it does and nothing else. */
export function htmlDocument({ locale, title, description, body, live }: HtmlInput): string {
  const scripts = [themeScript, ...(live ? [loaderScript, live.script] : [])];
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(sourceHash).join(" ")}`,
    `style-src ${sourceHash(styles)}`,
    "img-src data: blob:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const packed = (id: string, text: string): string =>
    `<script type="text/plain" id="${id}">${gzipSync(text, { level: 9 }).toString("base64")}</script>\n`;
  return (
    `<!doctype html>\n<html lang="${locale}">\n<head>\n<meta charset="utf-8">\n` +
    `<meta http-equiv="Content-Security-Policy" content="${policy}">\n` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">\n` +
    `<meta name="description" content="${escapeAttribute(description)}">\n` +
    `<meta name="referrer" content="no-referrer">\n` +
    `<title>${escapeText(title)}</title>\n<link rel="icon" href="data:,">\n` +
    `<script>${themeScript}</script>\n<style>${styles}</style>\n</head>\n<body>\n` +
    `<a class="skip" href="#main">${say(locale, "skip")}</a>\n${serialize(body)}\n` +
    (live
      ? packed("page-data", live.data) +
        packed("page-script", live.script) +
        `<script>${loaderScript}</script>\n`
      : "") +
    `</body>\n</html>\n`
  );
}

function sourceHash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', "&quot;");
}
