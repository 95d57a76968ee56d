import { describe, expect, test } from "vitest";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { AquiferError, AquiferErrors, describeError } from "../../src/base/errors.js";
import { defineSource } from "../../src/project/source.js";
import { dump, registration, stream } from "../../ingest/bank.js";
import { skipUnless } from "../support/skip.js";
import { ingestProject } from "./support.js";

const orders = defineSource({
  name: "shop/orders",
  files: "orders*.csv",
  columns: { id: {}, note: {} },
});

async function failure(promise: Promise<unknown>): Promise<AquiferError> {
  const thrown: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof AquiferError)) throw new Error("expected an AquiferError", { cause: thrown });
  return thrown;
}

describe("the real files", () => {
  const path = "../shared/data/bank/bank-marketing-dataset.csv";

  test("the dump of 41,188 rows arrives value by value", async (context) => {
    skipUnless(context, existsSync(path), "the shared data is not here");
    const bytes = await readFile(path);
    const project = await ingestProject([dump], { "raw/bank/bank-marketing-dataset.csv": bytes });
    const result = await project.ingest();
    expect(result.files).toMatchObject([{ rows: 41188, rejected: 0, method: "bytes", action: "load" }]);
    const loaded = await project.rows(
      `select concat_ws(',', age, job, marital, education, "default", housing, loan) from bronze.bank_dump order by _row`,
    );
    const expected = bytes.toString().trimEnd().split("\n").slice(1);
    expect(loaded.map(([line]) => line)).toEqual(expected);
  });

  test("a headerless registration file keeps its exact duplicate", async (context) => {
    const sample = "../shared/data/bank/registrations_headerless_sample.csv";
    skipUnless(context, existsSync(sample), "the shared data is not here");
    const project = await ingestProject([registration], {
      "raw/bank/marketing_bank/2020-11-11/combined_data_2020-11-11.csv": await readFile(sample),
    });
    await project.ingest();
    expect(
      await project.rows(
        "select _row, birth_of_date, _period::text from bronze.bank_registration order by 1",
      ),
    ).toEqual([
      ["1", "14/12/1983", "2020-11-11"],
      ["2", "04/01/1975", "2020-11-11"],
      ["3", "21/11/1992", "2020-11-11"],
      ["4", "21/11/1992", "2020-11-11"],
    ]);
  });
});

describe("what has no file", () => {
  test("every declared table exists, empty, after the first ingest, and is named as waiting", async () => {
    const project = await ingestProject([dump, registration, stream]);
    const result = await project.ingest();
    expect(result).toEqual({
      batch: undefined,
      files: [],
      waiting: ["bank/dump", "bank/registration", "bank/stream"],
      missing: [],
    });
    expect(await project.rows('select "default", _file_id, _period from bronze.bank_dump')).toEqual([]);
    expect(await project.rows("select birth_of_date from bronze.bank_registration")).toEqual([]);
    expect(await project.rows("select birth_date from bronze.bank_stream")).toEqual([]);
  });
});

describe("loading again", () => {
  const ids = "select string_agg(id, ',' order by _file_id, _row) from bronze.shop_orders";

  test("an unchanged file is skipped and said", async () => {
    const project = await ingestProject([orders], { "raw/shop/orders.csv": "id,note\n1,a\n" });
    expect((await project.ingest()).batch).toBe("batch_150126_1");
    const again = await project.ingest();
    expect(again.batch).toBeUndefined();
    expect(again.files).toMatchObject([{ action: "skip", reason: "unchanged" }]);
    expect(await project.rows(ids)).toEqual([["1"]]);
  });

  test("a new content under the same name supersedes, and the first content restores without a second copy", async () => {
    const project = await ingestProject([orders], { "raw/shop/orders.csv": "id,note\n1,a\n2,b\n" });
    await project.ingest();
    await project.write("raw/shop/orders.csv", "id,note\n3,c\n");
    expect((await project.ingest()).batch).toBe("batch_150126_2");
    expect(await project.rows(ids)).toEqual([["3"]]);
    await project.write("raw/shop/orders.csv", "id,note\n1,a\n2,b\n");
    expect((await project.ingest()).files).toMatchObject([{ action: "restore" }]);
    expect(await project.rows(ids)).toEqual([["1,2"]]);
    expect(await project.rows("select count(*) from bronze_store.shop_orders")).toEqual([["3"]]);
    expect(await project.rows("select distinct _batch from bronze.shop_orders")).toEqual([
      ["batch_150126_3"],
    ]);
  });

  test("a copy whose original gets new content stands for itself from then on", async () => {
    const project = await ingestProject([orders], { "raw/shop/orders_2.csv": "id,note\n1,a\n" });
    await project.ingest();
    await project.write("raw/shop/orders_1.csv", "id,note\n1,a\n");
    await project.ingest();
    await project.write("raw/shop/orders_2.csv", "id,note\n2,b\n");
    expect((await project.ingest()).files).toMatchObject([
      { file: "raw/shop/orders_1.csv", action: "restore" },
      { file: "raw/shop/orders_2.csv", action: "load" },
    ]);
    expect(await project.rows(ids)).toEqual([["1,2"]]);
  });

  test("the same content under another name is not loaded twice", async () => {
    const project = await ingestProject([orders], { "raw/shop/orders.csv": "id,note\n1,a\n" });
    await project.ingest();
    await project.write("raw/shop/orders_copy.csv", "id,note\n1,a\n");
    expect((await project.ingest()).files).toMatchObject([
      { file: "raw/shop/orders.csv", action: "skip", reason: "unchanged" },
      { action: "skip", reason: "its content is loaded as shop/orders.csv" },
    ]);
  });

  test("force loads a new version", async () => {
    const project = await ingestProject([orders], { "raw/shop/orders.csv": "id,note\n1,a\n" });
    await project.ingest();
    expect((await project.ingest({ force: true })).files).toMatchObject([{ action: "load" }]);
    expect(await project.rows(ids)).toEqual([["1"]]);
  });

  test("a period's file replaces the one of the same period only", async () => {
    const monthly = defineSource({
      name: "shop/orders",
      files: "*.csv",
      columns: { id: {} },
      period: { grain: "month", fromName: /(?<year>\d{4})(?<month>\d{2})/ },
      reload: "replace_period",
    });
    const project = await ingestProject([monthly], {
      "raw/shop/a_202601.csv": "id\n1\n",
      "raw/shop/a_202602.csv": "id\n2\n",
    });
    await project.ingest();
    await project.write("raw/shop/b_202602.csv", "id\n3\n");
    await project.ingest({ period: "2030-01" });
    expect(await project.rows("select id, _period::text from bronze.shop_orders order by 1")).toEqual([
      ["1", "2026-01-01"],
      ["3", "2026-02-01"],
    ]);
  });

  test("a month's snapshot identical to the last one is still that month's snapshot", async () => {
    const monthly = defineSource({
      name: "shop/orders",
      files: "*.csv",
      columns: { id: {} },
      period: { grain: "month", fromName: /(?<year>\d{4})(?<month>\d{2})/ },
      reload: "replace_period",
    });
    const project = await ingestProject([monthly], { "raw/shop/202601.csv": "id\n1\n" });
    await project.ingest();
    await project.write("raw/shop/202602.csv", "id\n1\n");
    await project.ingest();
    expect(await project.rows("select id, _period::text from bronze.shop_orders order by 2")).toEqual([
      ["1", "2026-01-01"],
      ["1", "2026-02-01"],
    ]);
    expect(await project.rows("select count(*) from bronze_store.shop_orders")).toEqual([["1"]]);
  });

  test("a source that refuses keeps what it has", async () => {
    const once = defineSource({ name: "shop/orders", files: "*.csv", columns: { id: {} }, reload: "refuse" });
    const project = await ingestProject([once], { "raw/shop/a.csv": "id\n1\n" });
    await project.ingest();
    await project.write("raw/shop/a.csv", "id\n2\n");
    expect((await failure(project.ingest())).code).toBe("refused-reload");
    expect(await project.rows("select id from bronze.shop_orders")).toEqual([["1"]]);
  });
});

describe("files that cannot be loaded leave everything as it was", () => {
  test.each([
    [
      "of no source",
      { "raw/shop/other.csv": "id,note\n" },
      "unknown-file",
      "shop/orders looks for orders*.csv",
    ],
    ["empty", { "raw/shop/orders.csv": "" }, "empty-file", "is empty"],
    [
      "without a column",
      { "raw/shop/orders.csv": "id,remark\n1,a\n" },
      "wrong-columns",
      "line 1, delimited by comma, lacks note",
    ],
    [
      "ragged",
      { "raw/shop/orders.csv": "id,note\n1,a\n2\n" },
      "too-many-rejects",
      'line 3: expected 2 fields, found 1: "2"',
    ],
  ])("%s", async (_what, files, code, words) => {
    const project = await ingestProject([orders], { "raw/shop/orders_good.csv": "id,note\n1,a\n", ...files });
    const error = await failure(project.ingest());
    expect(error.code).toBe(code);
    expect(describeError(error)).toContain(words);
    expect(await project.rows("select to_regclass('bronze.shop_orders')")).toEqual([[null]]);
  });

  test("of two sources, with both explanations", async () => {
    const rival = defineSource({ name: "shop/rival", files: "*.csv", columns: { id: {} } });
    const project = await ingestProject([orders, rival], { "raw/shop/orders.csv": "id,note\n1,a\n" });
    const error = await failure(project.ingest());
    expect(error.code).toBe("ambiguous-file");
    expect(error.details).toEqual([
      "shop/orders: name matches orders*.csv; header on line 1: all 2 columns",
      "shop/rival: name matches *.csv; header on line 1: 1 declared columns, 1 others",
    ]);
  });

  test("whose name and columns disagree, naming both", async () => {
    const prices = defineSource({
      name: "shop/prices",
      files: "price*.csv",
      columns: { price: {}, since: {} },
    });
    const project = await ingestProject([orders, prices], { "raw/shop/orders.csv": "price,since\n1,2026\n" });
    const error = await failure(project.ingest());
    expect(error.code).toBe("wrong-columns");
    expect(error.details).toEqual([
      "shop/orders: name matches orders*.csv; none of the first 10 lines names its columns (id, note)",
      "its columns are those of shop/prices, which looks for price*.csv",
    ]);
  });

  test("all of them are named at once", async () => {
    const project = await ingestProject([orders], { "raw/shop/orders.csv": "", "raw/shop/x.txt": "?" });
    const error = await failure(project.ingest());
    expect(error).toBeInstanceOf(AquiferErrors);
    expect(describeError(error)).toMatch(/orders.csv is empty[^]*x.txt matches no source/);
  });
});

describe("rejects", () => {
  test("within the limit they are kept with their line, and the rest is loaded under its own row number", async () => {
    const lenient = defineSource({
      name: "shop/orders",
      files: "*.csv",
      columns: { id: {}, note: {} },
      maxRejected: "50%",
    });
    const project = await ingestProject([lenient], {
      "raw/shop/a.csv": 'id,note\n1,"a\nb"\n2\n\n3,c,d\n4,e\n',
    });
    expect((await project.ingest()).files).toMatchObject([{ rows: 2, rejected: 2 }]);
    expect(await project.rows("select _row, id, note from bronze.shop_orders order by 1")).toEqual([
      ["1", "1", "a\nb"],
      ["4", "4", "e"],
    ]);
    expect(
      await project.rows("select row_number, line, error, raw from aquifer.ingest_reject order by 1"),
    ).toEqual([
      ["2", "4", "expected 2 fields, found 1", "2"],
      ["3", "6", "expected 2 fields, found 3", "3,c,d"],
    ]);
  });
});
