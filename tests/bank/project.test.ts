import { execFileSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { bronzeColumns, loadSources } from "../../src/project/sources.js";
import { dataform } from "../support/command-line.js";
import { bankProject } from "./support.js";

interface Compiled {
  readonly targets: readonly { schema: string; name: string }[];
  readonly declarations: readonly {
    readonly target: { name: string };
    readonly actionDescriptor: { readonly columns: readonly { path: readonly string[] }[] };
  }[];
  readonly graphErrors: object;
  readonly tables: readonly Action[];
  readonly assertions: readonly Action[];
}

interface Action {
  readonly target: { readonly schema: string; readonly name: string };
  readonly tags?: readonly string[];
  readonly parentAction?: object;
}

const compiled = async (root: string): Promise<Compiled> =>
  JSON.parse((await dataform(["compile", "--json"], { cwd: root })).stdout) as Compiled;
const names = (graph: Compiled): string[] =>
  graph.targets.map(({ schema, name }) => `${schema}.${name}`).sort();

describe("the bank's project", () => {
  it("compiles with Google's own command line, to the same actions", async () => {
    const root = bankProject();
    const require = createRequire(import.meta.url);
    const ours = await compiled(root);
    // Google's CLI loads core from the project and follows no link out of it.
    cpSync(dirname(require.resolve("@dataform/core")), join(root, "node_modules/@dataform/core"), {
      recursive: true,
    });
    writeFileSync(join(root, "package.json"), "{}");
    const cli = join(dirname(require.resolve("@dataform/cli/package.json")), "bundle.js");
    const theirs = JSON.parse(
      execFileSync(process.execPath, [cli, "compile", "--json", root], { encoding: "utf8" }),
    ) as Compiled;
    expect(theirs.graphErrors).toEqual({});
    expect(names(theirs)).toEqual(names(ours));
    expect(names(ours)).toContain("gold.bank_fact_bank_marketing");
  });

  it("declares every table that its sources fill, with the same columns", async () => {
    const root = bankProject();
    const graph = await compiled(root);
    const declared = new Map(
      graph.declarations.map(({ target, actionDescriptor }) => [
        target.name,
        actionDescriptor.columns.map(({ path }) => path.join(".")),
      ]),
    );
    const sources = await loadSources(root);
    expect(sources.map(({ table }) => table)).toEqual(["bank_dump", "bank_registration", "bank_stream"]);
    for (const source of sources) {
      expect(declared.get(source.table)).toEqual(bronzeColumns(source).map(({ name }) => name));
    }
  });

  it("names and tags every action with its system and its layer", async () => {
    const graph = await compiled(bankProject());
    const wrong = [
      ...graph.tables,
      ...graph.assertions.filter((each) => each.parentAction === undefined),
    ].filter(
      ({ target, tags }) => !target.name.startsWith("bank_") || tags?.join() !== `bank,${target.schema}`,
    );
    expect(wrong).toEqual([]);
  });
});
