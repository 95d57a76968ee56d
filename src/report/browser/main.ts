/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Item, Report } from "../../project/report.js";
import { applyFilters, parseHash } from "../filters.js";
import type { PageData } from "../page-data.js";
import type { DownloadForm } from "../view/card-parts.js";
import { describeFilters, filterBar } from "../view/filter-bar.js";
import { emptyReason } from "../view/empty-reason.js";
import { itemElement, sectionElement } from "../view/section.js";
import { searched } from "../view/table-card.js";
import { composeBody, itemId, type TableState, type View } from "../view/view.js";
import { download } from "./downloads.js";
import { listenToFilters, syncFilters } from "./filter-controls.js";
import { initialState, writeHash } from "./page-state.js";
import { adoptTitles, installTooltips } from "./tooltips.js";

/** The columns of an A4 page, in pixels: drawn for a screen, a chart's texts would be too small on paper. */
const printedWidths = { half: 290, full: 640 } as const;

const untouched: TableState = { search: "", page: 0 };

/** Makes a page live: called once by the script that is embedded in it. */
export function mount(report: Report, data: PageData): void {
  const state = initialState(report, data, location.hash);
  const root = document.documentElement;
  const sections = document.getElementById("sections");
  if (sections === null) return;
  const form = document.getElementById("filters");
  let shown = new Map<string, Item>();
  let printing = false;

  const view: View = {
    document,
    locale: report.locale,
    live: true,
    definitions: data.definitions,
    get emptyBecause() {
      return emptyReason(
        report,
        state.rows,
        data.relations,
        describeFilters(view, report, state.choices, state.filters),
      );
    },
    chartWidths: (id, width) => [
      printing ? printedWidths[width] : (plotWidth(id) ?? (width === "full" ? 1100 : 560)),
    ],
    tableState: (id) => state.tables.get(id) ?? untouched,
  };

  const compose = (): ReturnType<typeof composeBody> => {
    const body = composeBody(report, applyFilters(report, state.rows, state.choices, state.filters));
    shown = new Map(
      body.flatMap((section, index) =>
        section.items.map((item, place) => [itemId(index, place), item] as const),
      ),
    );
    return body;
  };

  const rerender = (id: string): void => {
    const item = shown.get(id);
    const old = document.getElementById(id);
    if (item === undefined || old === null) return;
    const fresh = itemElement(view, item, id);
    if (old.querySelector("details")?.open === true) fresh.querySelector("details")?.setAttribute("open", "");
    for (const svg of fresh.querySelectorAll("svg.plot")) adoptTitles(svg);
    const gone = old.querySelector(".plot-area");
    if (gone) widths.unobserve(gone);
    old.replaceWith(fresh);
    const plot = fresh.querySelector(".plot-area");
    if (plot) widths.observe(plot);
  };

  /** Draws what is on the screen at once and the rest when the browser has time. */
  const render = (): void => {
    const body = compose();
    const titles = [...sections.querySelectorAll(":scope > section > h2")].map((each) => each.textContent);
    const places = [...sections.querySelectorAll(".items > [id]")].map((each) => each.id);
    const same =
      titles.join("\n") === body.map(({ title }) => title).join("\n") &&
      places.join() === [...shown.keys()].join();
    if (!same) {
      sections.replaceChildren(...body.map((section, index) => sectionElement(view, section, index)));
      for (const svg of sections.querySelectorAll("svg.plot")) adoptTitles(svg);
      for (const plot of sections.querySelectorAll(".plot-area")) widths.observe(plot);
      return;
    }
    body.forEach(({ description }, index) => {
      const lead = document.querySelector(`#section-${index + 1} > .lead`);
      if (lead && description !== undefined) lead.textContent = description;
    });
    const later: string[] = [];
    for (const id of shown.keys()) {
      const box = document.getElementById(id)?.getBoundingClientRect();
      if (box && box.top < innerHeight && box.bottom > 0) rerender(id);
      else later.push(id);
    }
    afterwards(later, rerender);
  };

  const applyState = (): void => {
    renderFilters();
    writeHash(state);
    render();
  };

  const renderFilters = (): void => {
    const fresh = filterBar(view, report, state.choices, state.filters);
    if (form && fresh) syncFilters(form, fresh, state.filters);
  };

  for (const [event, now] of [
    ["beforeprint", true],
    ["afterprint", false],
  ] as const) {
    addEventListener(event, () => {
      printing = now;
      for (const [id, item] of shown) if (item.kind === "chart") rerender(id);
    });
  }

  const widths = new ResizeObserver((entries) => {
    if (printing) return;
    const changed = entries
      .filter(({ target, contentRect }) => {
        const drawn = Number(target.querySelector("svg.plot")?.getAttribute("data-width"));
        return contentRect.width > 0 && Math.abs(drawn - drawableWidth(contentRect.width)) > 1;
      })
      .map(({ target }) => target.closest("figure")?.id)
      .filter((id) => id !== undefined);
    for (const id of new Set(changed)) rerender(id);
  });

  if (form) {
    listenToFilters(
      form,
      () => state.filters,
      (filters) => {
        state.filters = filters;
        applyState();
      },
    );
  }
  addEventListener("hashchange", () => {
    // A link within the page, such as the skip link, says nothing about filters.
    if (location.hash !== "" && !location.hash.includes("=")) return;
    state.filters = parseHash(location.hash, report);
    applyState();
  });

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest<HTMLAnchorElement>(".sections a");
    if (link) {
      // The address holds the filters: a jump within the page leaves it alone.
      event.preventDefault();
      const heading = document.querySelector<HTMLElement>(`${link.hash}-title`);
      heading?.setAttribute("tabindex", "-1");
      heading?.focus();
      heading?.scrollIntoView();
      return;
    }
    const button = target?.closest<HTMLElement>("button");
    if (!button) return;
    const id = button.dataset["item"] ?? "";
    const item = shown.get(id);
    const { sort, page } = button.dataset;
    if (button.dataset["download"] !== undefined && (item?.kind === "chart" || item?.kind === "table")) {
      const rows = item.kind === "table" ? searched(view, item, view.tableState(id)) : item.rows;
      const svg = document.getElementById(id)?.querySelector<SVGElement>("svg.plot") ?? null;
      void download(button.dataset["download"] as DownloadForm, item, rows, data.fileName, svg);
    } else if (sort !== undefined) {
      const before = view.tableState(id);
      const descending = before.sort?.column === sort && !before.sort.descending;
      setTable(
        id,
        { ...before, page: 0, sort: { column: sort, descending } },
        `[data-sort="${CSS.escape(sort)}"]`,
      );
    } else if (page !== undefined) {
      setTable(id, { ...view.tableState(id), page: Number(page) }, undefined);
    } else if (button.id === "theme") {
      const isDark = getComputedStyle(root).colorScheme === "dark";
      root.dataset["theme"] = isDark ? "light" : "dark";
      remember(root.dataset["theme"]);
    }
  });
  document.addEventListener("input", (event) => {
    const input = event.target;
    if (!(input instanceof HTMLInputElement) || input.dataset["search"] === undefined) return;
    const id = input.dataset["item"] ?? "";
    setTable(id, { ...view.tableState(id), search: input.value, page: 0 }, "[data-search]");
  });
  const setTable = (id: string, next: TableState, focus: string | undefined): void => {
    state.tables.set(id, next);
    rerender(id);
    if (focus === undefined) return;
    const control = document.getElementById(id)?.querySelector<HTMLElement>(focus);
    control?.focus();
    if (control instanceof HTMLInputElement)
      control.setSelectionRange(control.value.length, control.value.length);
  };

  root.classList.add("live");
  installTooltips(document);
  if (Object.keys(state.filters).length > 0) {
    renderFilters();
    render();
  } else compose();
  for (const [id, item] of shown) if (item.kind === "table") rerender(id);
  for (const figure of document.querySelectorAll("figure.chart")) {
    // The server drew each chart for a wide and a narrow page; the page keeps the one it shows.
    const plots = [...figure.querySelectorAll<HTMLElement>(".plot-area")];
    const kept = plots.find((plot) => plot.offsetParent !== null) ?? plots[0];
    for (const plot of plots) {
      if (plot !== kept) plot.remove();
      else {
        plot.className = "plot-area";
        for (const svg of plot.querySelectorAll("svg.plot")) adoptTitles(svg);
        widths.observe(plot);
      }
    }
  }
}

function plotWidth(id: string): number | undefined {
  const area =
    document.getElementById(id)?.querySelector<HTMLElement>(".plot-area") ?? document.getElementById(id);
  if (!area) return undefined;
  const padding = area.classList.contains("plot-area")
    ? 0
    : parseFloat(getComputedStyle(area).paddingLeft) * 2 + 2;
  const width = area.getBoundingClientRect().width - padding;
  return width > 0 ? drawableWidth(width) : undefined;
}

/** Below this a chart has no room for its labels: it is drawn as wide and shown smaller. */
function drawableWidth(pixels: number): number {
  return Math.max(160, Math.floor(pixels));
}

/** Runs a step for each id, a few milliseconds at a time; a newer call replaces what is left of an older one. */
let waiting = 0;
function afterwards(ids: readonly string[], step: (id: string) => void): void {
  const mine = ++waiting;
  const left = [...ids];
  const work = (): void => {
    if (mine !== waiting) return;
    const until = performance.now() + 12;
    while (left.length > 0 && performance.now() < until) step(left.shift() ?? "");
    if (left.length > 0) setTimeout(work);
  };
  setTimeout(work);
}

/** `file://` pages of some browsers have no storage: the choice then lasts as long as the page. */
function remember(theme: string): void {
  try {
    localStorage.setItem("theme", theme);
  } catch {
    return;
  }
}
