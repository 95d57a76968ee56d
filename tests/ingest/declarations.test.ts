import { expect, test } from "vitest";
import { compileProject } from "../../src/project/compile.js";
import { bronzeColumns, loadSources } from "../../src/project/sources.js";

const root = process.cwd();

test("every source of this project is declared in definitions/, with the columns that ingest makes", async () => {
  const sources = await loadSources(root);
  const { graph } = await compileProject({ projectRoot: root });
  const declared = new Map(
    (graph.declarations ?? []).map(({ target, actionDescriptor }) => [
      `${target.schema ?? ""}.${target.name ?? ""}`,
      (actionDescriptor?.columns ?? []).map(({ path }) => path?.[0]),
    ]),
  );
  expect(sources.length).toBeGreaterThan(0);
  for (const source of sources) {
    const columns = bronzeColumns(source).map(({ name }) => name);
    expect(declared.get(`bronze.${source.table}`)?.sort(), source.name).toEqual(columns.sort());
  }
});
