import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { isoDay } from "../../ingest/samples/parts/calendar.js";
import { copyName, telco, telcoCalendar } from "../../ingest/samples/telco.js";
import { correctionKinds, Corrections } from "../../ingest/samples/telco/corrections.js";
import { productId } from "../../ingest/samples/telco/product-id.js";
import { Products, rowFlaws, type ScrapedRow } from "../../ingest/samples/telco/products.js";
import { catalogueColumns, Scrapes, type Scrape } from "../../ingest/samples/telco/scrapes.js";
import { sampleFolder, sampleLoader, writeFiles } from "../support/sample-loader.js";

const request = { customers: 1120, months: 2, seed: 5 };
const scrapes = new Scrapes(request.customers);
const products = new Products(request.seed, request.customers);
const corrections = new Corrections(request.seed, telcoCalendar, scrapes, products);

/** Days with all that files can be: the first, one before and two after the drift. */
const days = ["2026-01-01", "2026-01-02", "2026-01-20", "2026-01-31"];
const upload = (day: string): Scrape[] =>
  Array.from({ length: scrapes.count }, (_, file) => scrapes.at(file, Date.parse(day)));
const isOf = (wanted: readonly string[]): ((path: string) => boolean) => {
  const names = wanted.flatMap((day) => upload(day).map(({ fileName }) => fileName));
  return (path) => names.includes(path) || names.map(copyName).includes(path);
};
const loadedRows = (scrape: Scrape): ScrapedRow[] =>
  [...products.rows(scrape)].filter(({ flaw }) => flaw !== "ragged");

function keyOf({ operator, city, stay }: Scrape, { values }: ScrapedRow): string {
  return productId({
    operator,
    city,
    stay,
    packageName: values["package_name"] ?? "",
    price: values["price"] ?? null,
    validity: values["validity"] ?? null,
  });
}

function digests(asked: typeof request): string[] {
  return [...telco.files(asked)].map(
    ({ path, content }) =>
      `${path} ${createHash("sha256")
        .update([...content].join(""))
        .digest("hex")}`,
  );
}

describe("the sample of the telco", () => {
  test("is the same for the same seed and another for another", () => {
    const first = digests(request);
    expect(digests(request)).toEqual(first);
    const other = digests({ ...request, seed: 6 });
    expect(other.filter((line) => first.includes(line))).toEqual([]);
  });

  test("arrives value by value, with what the names tell; rejects are the planted ones", async () => {
    const root = await sampleFolder(telco, request, isOf(days));
    const { ingest, rows } = await sampleLoader(root, "telco");
    const first = await ingest();
    const copy = `raw/telco/${copyName(upload("2026-01-01")[0]?.fileName ?? "")}`;
    expect(first.files.filter(({ action }) => action === "skip")).toMatchObject([
      { file: copy, reason: expect.stringContaining("its content is loaded as") as string },
    ]);
    for (const scrape of days.flatMap(upload)) {
      const columns = [...catalogueColumns, "promo_label"];
      const loaded = await rows(
        `select ${columns.join(", ")}, _operator, _city, _length_of_stay, _period::text
         from bronze.telco_catalogue where _file_name = 'telco/${scrape.fileName}' order by _row`,
      );
      const named = [
        scrape.operator,
        scrape.city,
        scrape.stay === "all" ? null : scrape.stay,
        isoDay(scrape.day),
      ];
      const expected = loadedRows(scrape).map(({ values }) => [
        ...columns.map((name) => (scrape.columns.includes(name) ? (values[name] ?? null) : null)),
        ...named,
      ]);
      expect(loaded, scrape.fileName).toEqual(expected);
    }
    const rejects = await rows(
      `select file_name, row_number::int from aquifer.ingest_reject join aquifer.ingest_file using (file_id) order by 1, 2`,
    );
    const planted = days
      .flatMap(upload)
      .flatMap((scrape) =>
        [...products.rows(scrape)].flatMap(({ flaw }, index) =>
          flaw === "ragged" ? [[`telco/${scrape.fileName}`, index + 1]] : [],
        ),
      );
    expect(planted.length).toBeGreaterThan(0);
    expect(rejects).toEqual(planted.sort());
    expect((await ingest()).batch).toBeUndefined();
  });

  test("has corrections of every kind, of products that are there, in two dialects", async () => {
    const root = await sampleFolder(telco, request, (path) => path.includes("correction"));
    const { ingest, rows } = await sampleLoader(root, "telco");
    expect((await ingest()).files).toHaveLength(2);
    const expected = [0, 1].flatMap((month) => [...corrections.rows(month)]);
    const loaded = await rows(
      `select product_id, column_name, old_value, new_value, changed_by, changed_at, action, reason
       from bronze.telco_correction order by _file_name, _row`,
    );
    expect(loaded).toEqual(expected.map((row) => row.map((value) => (value === "" ? null : value))));
    const known = new Set(
      ["2026-01-31", "2026-02-28"]
        .flatMap(upload)
        .flatMap((scrape) => loadedRows(scrape).map((row) => keyOf(scrape, row))),
    );
    const unknown = expected.filter(([id]) => !known.has(id ?? ""));
    expect(unknown.map(([id]) => id)).toEqual(["0".repeat(32), "0".repeat(32)]);
    expect(expected.length).toBeGreaterThan(2 * correctionKinds.length);
    expect((await ingest()).batch).toBeUndefined();
  });

  test("corrects no product that its file shows twice", () => {
    const many = new Scrapes(20_000);
    const offered = new Products(3, 20_000);
    const edits = new Corrections(3, telcoCalendar, many, offered);
    const shown = new Map<string, number>();
    for (let file = 0; file < many.count; file++) {
      const scrape = many.at(file, Date.parse("2026-01-31"));
      for (const row of offered.rows(scrape)) {
        const id = keyOf(scrape, row);
        shown.set(id, (shown.get(id) ?? 0) + 1);
      }
    }
    expect([...shown.values()].filter((count) => count > 1).length).toBeGreaterThan(100);
    for (const [id] of edits.rows(0)) expect([undefined, 1]).toContain(shown.get(id ?? ""));
  });

  test("a file that is sent again with other content replaces its rows, and the earlier ones stay in the store", async () => {
    const root = await sampleFolder(telco, request, isOf(["2026-01-02"]));
    const { ingest, rows } = await sampleLoader(root, "telco");
    await ingest();
    const [{ fileName } = { fileName: "" }] = upload("2026-01-02");
    await writeFiles(root, telco, { ...request, seed: 6 }, (path) => path === fileName);
    expect((await ingest()).files.filter(({ action }) => action === "load")).toMatchObject([
      { file: `raw/telco/${fileName}` },
    ]);
    expect(
      await rows(
        `select superseded_by is null from aquifer.ingest_file where file_name = 'telco/${fileName}' order by file_id`,
      ),
    ).toEqual([[false], [true]]);
  });

  test("has every kind of dirt, and products that come, go and change their price", () => {
    const month = telcoCalendar.days(0).map((day) => isoDay(day));
    const flaws = new Set(
      month.flatMap(upload).flatMap((scrape) => [...products.rows(scrape)].map(({ flaw }) => flaw)),
    );
    expect([...flaws].filter((flaw) => flaw !== undefined).sort()).toEqual([...rowFlaws].sort());
    const numbers = Array.from({ length: request.customers }, (_, number) => number);
    const [first, last] = [Date.parse("2026-01-01"), Date.parse("2026-01-31")];
    const count = (test: (number: number) => boolean): number => numbers.filter(test).length;
    const [before, after] = [first, last].map((day) => (number: number) => products.isOffered(number, day));
    expect(count((number) => after?.(number) === true && before?.(number) === false)).toBeGreaterThan(20);
    expect(count((number) => before?.(number) === true && after?.(number) === false)).toBeGreaterThan(20);
    expect(count((number) => products.price(number, first) !== products.price(number, last))).toBeGreaterThan(
      100,
    );
    expect(numbers.every((number) => products.price(number, last) > 0)).toBe(true);
  });

  test("has as many files as its products need, each under a name of its own", () => {
    const many = new Scrapes(100_000);
    const names = Array.from(
      { length: many.count },
      (_, file) => many.at(file, Date.parse("2026-01-02")).fileName,
    );
    expect(names).toHaveLength(715);
    expect(new Set(names).size).toBe(715);
    expect(many.at(714, 0).to).toBe(100_000);
  });

  test("broken files come only when asked for, and are refused one by one", async () => {
    const refused: Record<string, string> = {
      "Indosat_Lombok_less3_jaksel1_20251231.csv": "empty-file",
      "Indosat_Lombok_less3_jaksel1_20251301.csv": "no-period",
      "telco_correction_2025-12.csv": "too-many-rejects",
    };
    const asked = { ...request, months: 0, broken: true };
    expect([...telco.files(asked)].map(({ path }) => path).sort()).toEqual(Object.keys(refused));
    expect([...telco.files({ ...request, months: 0 })]).toEqual([]);
    for (const [name, code] of Object.entries(refused)) {
      const root = await sampleFolder(telco, asked, (path) => path === name);
      await expect((await sampleLoader(root, "telco")).ingest(), name).rejects.toMatchObject({ code });
    }
  });
});
