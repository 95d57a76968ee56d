/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/**
 * Tooltips of charts: the nearest mark's words while the pointer is over the chart or a finger touches it; with the
 * keyboard, arrow keys walk from mark to mark and Escape closes. The words come from the marks' `<title>`, which is
 * taken away here, or the browser would show its own as well.
 */
export function installTooltips(document: Document): void {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.append(tip);
  let active: Element | null = null;

  const hide = (): void => {
    active?.removeAttribute("data-active");
    active = null;
    tip.hidden = true;
  };
  const show = (mark: Element): void => {
    if (mark === active) return;
    hide();
    active = mark;
    mark.setAttribute("data-active", "");
    tip.textContent = mark.getAttribute("data-tip");
    tip.hidden = false;
    place(tip, mark.getBoundingClientRect());
  };

  document.addEventListener("pointermove", (event) => {
    const svg = chartAt(event.target);
    if (svg === null) return hide();
    const mark = nearest(marksOf(svg), event.clientX, event.clientY);
    if (mark) show(mark);
    else hide();
  });
  document.addEventListener("pointerdown", (event) => {
    if (chartAt(event.target) === null) hide();
  });
  document.addEventListener("scroll", hide, { passive: true, capture: true });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return hide();
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const svg = chartAt(event.target);
    if (step === undefined || svg === null) return;
    const marks = marksOf(svg);
    const at = active === null ? (step > 0 ? -1 : 0) : marks.indexOf(active);
    const next = marks[(at + step + marks.length) % marks.length];
    if (next) show(next);
    event.preventDefault();
  });
}

/** Makes the titles of a chart's marks ours, and the chart reachable by keyboard. */
export function adoptTitles(svg: Element): void {
  for (const title of svg.querySelectorAll("title")) {
    title.parentElement?.setAttribute("data-tip", title.textContent);
    title.remove();
  }
  if (svg.querySelector("[data-tip]")) svg.setAttribute("tabindex", "0");
}

function chartAt(target: EventTarget | null): Element | null {
  return target instanceof Element ? target.closest("svg.plot") : null;
}

function marksOf(svg: Element): Element[] {
  return [...svg.querySelectorAll("[data-tip]")];
}

/** The mark under the point, else the one whose centre is nearest within 40 px. */
function nearest(marks: readonly Element[], x: number, y: number): Element | undefined {
  let best: Element | undefined;
  let bestDistance = 40;
  for (const mark of marks) {
    const box = mark.getBoundingClientRect();
    const inside = x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
    const distance = inside ? 0 : Math.hypot(x - (box.left + box.right) / 2, y - (box.top + box.bottom) / 2);
    if (distance < bestDistance) [best, bestDistance] = [mark, distance];
  }
  return best;
}

function place(tip: HTMLElement, mark: DOMRect): void {
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, mark.left + mark.width / 2 - width / 2), innerWidth - width - 8);
  const above = mark.top - height - 8;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 4 ? above : Math.min(mark.bottom + 8, innerHeight - height - 4)}px`;
}
