import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), "utf8");

describe("docs/dependencies.md", () => {
  const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string> | undefined>;
  const inManifest = ["dependencies", "optionalDependencies", "devDependencies"].flatMap((group) =>
    Object.keys(manifest[group] ?? {}),
  );
  const rows = [
    ...read("docs/dependencies.md").matchAll(/^\| `([^`]+)` +\| ([^|]+?) +\| ([^|]+?) +\|$/gm),
  ].map(([, name = "", licence = "", why = ""]) => ({ name, licence, why }));

  it("names every dependency of package.json, and no other", () => {
    expect(rows.map(({ name }) => name).sort()).toEqual([...inManifest].sort());
  });

  it("says the licence that the installed package says", () => {
    const wrong = rows.flatMap(({ name, licence }) => {
      const path = `node_modules/${name}/package.json`;
      if (!existsSync(fileURLToPath(new URL(`../${path}`, import.meta.url)))) return [];
      const said = (JSON.parse(read(path)) as { license?: string }).license;
      return said === licence ? [] : [`${name}: ${String(said)}, not ${licence}`];
    });
    expect(wrong).toEqual([]);
  });

  it("knows versions that are pinned exactly", () => {
    const loose = ["dependencies", "optionalDependencies", "devDependencies"].flatMap((group) =>
      Object.entries(manifest[group] ?? {}).filter(
        ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
      ),
    );
    expect(loose).toEqual([]);
  });
});
