import { element } from "../element.js";

const width = 120;
const height = 28;

/** A line without axes; a missing period is a gap, the last known value a dot. Decorative: the card says the figures. */
export function sparkline(document: Document, values: readonly (number | null)[]): Element | null {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return null;
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  const place = (value: number, index: number): readonly [number, number] => [
    4 + (index * (width - 8)) / (values.length - 1),
    height - 4 - ((value - low) * (height - 8)) / span,
  ];
  let path = "";
  let last: readonly [number, number] = [0, 0];
  values.forEach((value, index) => {
    if (value === null) return;
    last = place(value, index);
    const follows = index > 0 && values[index - 1] !== null;
    path += `${follows ? "L" : "M"}${last[0].toFixed(1)},${last[1].toFixed(1)}`;
  });
  return element(
    document,
    "svg",
    { class: "sparkline", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
    element(document, "path", {
      d: path,
      fill: "none",
      stroke: "var(--accent)",
      "stroke-width": 1.5,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
    }),
    element(document, "circle", {
      cx: last[0].toFixed(1),
      cy: last[1].toFixed(1),
      r: 2.5,
      fill: "var(--accent)",
    }),
  );
}
