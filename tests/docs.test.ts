import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { commands } from "../src/cli/commands.js";
import { dataform } from "./support/command-line.js";

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

describe("docs/deviations.md", () => {
  const section = (heading: string): string =>
    (read("docs/deviations.md").split(`\n## ${heading}\n`)[1] ?? "").split("\n## ")[0] ?? "";
  const quoted = (text: string, pattern: RegExp): string[] =>
    [...text.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word).filter((word) => pattern.test(word));

  it.each(quoted(section("Refused, with the reason"), /^--/))(
    "says rightly that %s is refused",
    async (flag) => {
      const { exitCode, stderr } = await dataform(["run", flag, "x"], { cwd: "/" });
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(new RegExp(`^${flag} is not available on PostgreSQL: .+`));
    },
  );

  it.each(quoted(section("Not there"), /^[a-z]+$/))("says rightly that there is no command %s", (name) => {
    expect(Object.keys(commands)).not.toContain(name);
  });

  it("names every command that Google's CLI does not have", () => {
    const googles = ["help", "init", "init-creds", "install", "compile", "test", "run", "format"];
    const ours = Object.keys(commands).filter((name) => !googles.includes(name));
    expect(quoted(section("Of our own"), /^[a-z]+$/).sort()).toEqual(ours.sort());
  });
});
