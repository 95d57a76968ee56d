import { afterAll, beforeAll, expect, test } from "vitest";
import { AquiferError, describeError } from "../../src/base/errors.js";
import { originColumns } from "../../src/project/sources.js";
import { describeOnServers } from "../support/servers.js";
import { freshDatabase, type TestDatabase } from "../support/database.js";
import { corpus, sourceOf } from "./corpus.js";
import { ingestProject } from "./support.js";

const own = new Set(originColumns.map(({ name }) => name));

test("no two entries cover the same sentence", () => {
  expect(new Set(corpus.map(({ sentence }) => sentence)).size).toBe(corpus.length);
});

describeOnServers("hostile files", (major) => {
  // One database for all: a hundred would take longer than the loads. Each entry has a table of its own.
  let database: TestDatabase;
  beforeAll(async () => {
    database = await freshDatabase({ major });
  });
  afterAll(() => database.drop());

  test.each(corpus.map((entry, index) => [entry.sentence, entry, `shop/x${index}`] as const))(
    "%s",
    async (_sentence, entry, name) => {
      const source = sourceOf(entry, name);
      const files = { [`raw/shop/${entry.name ?? "x.csv"}`]: entry.content };
      const project = await ingestProject([source], files, database);
      if ("error" in entry.expected) {
        const thrown: unknown = await project.ingest().catch((error: unknown) => error);
        if (!(thrown instanceof AquiferError)) throw new Error("expected an AquiferError", { cause: thrown });
        expect(thrown.code).toBe(entry.expected.error);
        expect(describeError(thrown)).toContain(entry.expected.words);
        const [[table] = []] = await project.rows(`select to_regclass('bronze_store.${source.table}')`);
        if (table !== null)
          expect(await project.rows(`select * from bronze_store.${source.table}`)).toEqual([]);
        return;
      }
      await project.ingest();
      const { rows } = await database.warehouse.query<Record<string, string | null>>(
        `select * from bronze.${source.table} order by _file_id, _row`,
      );
      const values = rows.map((row) =>
        Object.entries(row).flatMap(([column, value]) => (own.has(column) ? [] : [value])),
      );
      expect(values).toEqual(entry.expected);
      if (entry.ledger) {
        const ledger = await database.warehouse.query("select * from aquifer.ingest_file where source = $1", [
          name,
        ]);
        expect(ledger.rows).toMatchObject([entry.ledger]);
      }
    },
  );
});
