/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { FilterState } from "../filters.js";

type Control = HTMLInputElement | HTMLSelectElement;

/**
 * Calls back with the new state when a reader sets a filter or resets all; panels close when something else is clicked,
 * and with Escape.
 */
export function listenToFilters(
  form: HTMLElement,
  current: () => FilterState,
  onChange: (state: FilterState) => void,
): void {
  form.addEventListener("change", ({ target }) => {
    if (!(target instanceof HTMLInputElement || target instanceof HTMLSelectElement)) return;
    const mine = [...form.querySelectorAll<Control>("input, select")].filter(
      ({ name }) => name === target.name,
    );
    onChange({ ...current(), [target.name]: chosenValues(mine) });
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    onChange({});
  });
  document.addEventListener("click", ({ target }) => {
    const inside = target instanceof Element ? target.closest("details.filter") : null;
    for (const panel of openPanels(form)) if (panel !== inside) panel.open = false;
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const panel of openPanels(form)) {
      panel.open = false;
      panel.querySelector("summary")?.focus();
    }
  });
}

/**
 * Makes the controls say what `fresh`, the same bar rendered anew, says. They keep their identity, and with it focus and
 * open panels: only words and marks change.
 */
export function syncFilters(form: HTMLElement, fresh: Element, state: FilterState): void {
  const renewed = fresh.querySelectorAll("details");
  form.querySelectorAll("details").forEach((panel, index) => {
    panel.className = renewed[index]?.className ?? "";
    copyText(panel, renewed[index], ".chosen");
  });
  for (const input of form.querySelectorAll("input")) {
    input.checked = (state[input.name] ?? []).includes(input.value);
  }
  for (const select of form.querySelectorAll("select")) {
    const isFrom = select.dataset["end"] === "from";
    const chosen = state[select.name]?.[isFrom ? 0 : 1];
    if (chosen === undefined) select.selectedIndex = isFrom ? 0 : select.options.length - 1;
    else select.value = chosen;
  }
  form
    .querySelector(".reset")
    ?.toggleAttribute("hidden", fresh.querySelector(".reset")?.hasAttribute("hidden"));
  copyText(form, fresh, "[role=status]");
}

function copyText(to: Element, from: Element | undefined, selector: string): void {
  const [target, source] = [to.querySelector(selector), from?.querySelector(selector)];
  if (target && source) target.textContent = source.textContent;
}

function openPanels(form: HTMLElement): Iterable<HTMLDetailsElement> {
  return form.querySelectorAll<HTMLDetailsElement>("details.filter[open]");
}

/** What the controls of one filter are set to; empty when that is everything. */
function chosenValues(controls: readonly Control[]): string[] {
  const selects = controls.filter((each) => each instanceof HTMLSelectElement);
  const [from, to] = selects.map((each) => each.selectedIndex).sort((a, b) => a - b);
  const options = selects[0]?.options;
  if (from === undefined || to === undefined || options === undefined) {
    return controls
      .filter((each) => each instanceof HTMLInputElement && each.checked)
      .map(({ value }) => value);
  }
  if (from === 0 && to === options.length - 1) return [];
  return [options[from]?.value ?? "", options[to]?.value ?? ""];
}
