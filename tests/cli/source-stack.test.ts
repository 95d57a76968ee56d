import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { sourceStack } from "../../src/base/source-stack.js";

const root = join(import.meta.dirname, "../..");

it("names the line of src/ that a line of dist/ was made of", () => {
  const [built, source] = [join(root, "dist/cli/main.js"), join(root, "src/cli/main.ts")];
  const line = (file: string): number => lineOf(file, "async function main(");
  const stack = (place: string): string =>
    `Error: no\n    at main (${place}:1)\n    at node:internal/main:1:2`;
  expect(sourceStack(stack(`${pathToFileURL(built).href}:${line(built)}`))).toBe(
    stack(`${source}:${line(source)}`),
  );
});

it("leaves a place without a map as it is", () => {
  const stack = "Error: no\n    at file:///nowhere/index.js:3:4";
  expect(sourceStack(stack)).toBe(stack);
});

function lineOf(file: string, text: string): number {
  const content = readFileSync(file, "utf8");
  return content.slice(0, content.indexOf(text)).split("\n").length;
}
