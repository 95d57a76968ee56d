/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
export type Child = Node | string | null | undefined | false;

const svgNames = new Set(["svg", "path", "circle"]);

/**
 * One element, built through the document: linkedom's on the server, the browser's in the page. Texts and attribute
 * values can hold anything, because no markup is ever put together from them.
 *
 * @param attributes `true` writes an empty attribute; `false` and `undefined` write none
 */
export function element(
  document: Document,
  name: string,
  attributes: Attributes,
  ...children: readonly Child[]
): Element {
  const made = svgNames.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    made.append(child);
  }
  return made;
}
