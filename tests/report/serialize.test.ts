import { expect, it } from "vitest";
import fc from "fast-check";
import { parseHTML } from "linkedom";
import { element } from "../../src/report/element.js";
import { emptyDocument } from "../../src/report/page.js";
import { serialize } from "../../src/report/serialize.js";

it("writes any text and attribute so that no markup comes of it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (text, value) => {
      const html = serialize(element(emptyDocument(), "p", { title: value }, text));
      expect(html.replace(/^<p( title="[^"<>]*"| title)?>[^<>]*<\/p>$/, "")).toBe("");
    }),
  );
});

it.each(["&lt;", "&amp;lt;", "\"'", "a\u00a0b", "</p>", "&#60;"])("keeps %j as it is", (text) => {
  const html = serialize(element(emptyDocument(), "p", { title: text }, text));
  const read = parseHTML(`<!doctype html><html><body>${html}</body></html>`).document.querySelector("p");
  expect([read?.getAttribute("title"), read?.textContent]).toEqual([text, text]);
});

it("refuses a script", () => {
  const document = emptyDocument();
  expect(() => serialize(element(document, "div", {}, element(document, "script", {}, "1")))).toThrow(
    "a script element",
  );
});
