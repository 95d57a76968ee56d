/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

const voidElements = new Set(["input", "br", "hr", "img", "meta", "link"]);

/** Attributes of drawings, where a hundredth of a pixel is enough and sixteen digits are most of the file. */
const geometry = new Set([
  "d",
  "transform",
  "x",
  "y",
  "x1",
  "x2",
  "y1",
  "y2",
  "cx",
  "cy",
  "r",
  "width",
  "height",
]);

function rounded(value: string): string {
  return value.replace(/-?\d+\.\d{3,}(e-?\d+)?/g, (number) => String(Math.round(Number(number) * 100) / 100));
}

/**
 * An element as HTML text. linkedom's own `outerHTML` leaves `&` in attributes as it is, so that a value such as
 * `&lt;` would come back as `<`.
 *
 * @throws Error on script and style elements: their text cannot be escaped, and a page's body has none
 */
export function serialize(node: Element): string {
  const name = node.localName;
  if (name === "script" || name === "style") throw new Error(`a ${name} element in the body of a page`);
  const attributes = [...node.attributes].map(({ name: key, value }) => {
    if (value === "") return ` ${key}`;
    return ` ${key}="${escapeText(geometry.has(key) ? rounded(value) : value).replaceAll('"', "&quot;")}"`;
  });
  if (voidElements.has(name)) return `<${name}${attributes.join("")}>`;
  const children = [...node.childNodes].map((child) =>
    child.nodeType === 1
      ? serialize(child as Element)
      : child.nodeType === 3
        ? escapeText(child.textContent ?? "")
        : "",
  );
  return `<${name}${attributes.join("")}>${children.join("")}</${name}>`;
}

/** A text as it may stand in HTML. */
export function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("\u00a0", "&nbsp;");
}
