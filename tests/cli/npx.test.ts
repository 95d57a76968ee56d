import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command, repository } from "./support.js";

function versionOf(path: string): string {
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

test("npx dataform is ours in this repository, from any of its folders, although Google's is installed", async () => {
  const ours = versionOf(join(repository, "package.json"));
  const google = versionOf(createRequire(import.meta.url).resolve("@dataform/cli/package.json"));
  expect(google).not.toBe(ours);
  const folders = [repository, join(repository, "definitions/bank")];
  const said = await Promise.all(
    folders.map((cwd) => command("npx", ["dataform", "--version"], { cwd }).then(({ stdout }) => stdout)),
  );
  expect(said).toEqual(folders.map(() => `${ours}\n`));
});

test("no script of the repository calls a bare dataform, which npm would find in Google's package", () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  expect(Object.values(scripts).filter((script) => /(^|&&|;|\|)\s*dataform\b/.test(script))).toEqual([]);
});
