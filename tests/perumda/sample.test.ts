import { existsSync, readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { perumda } from "../../ingest/samples/perumda.js";
import { billFlaws, Bills, type Row } from "../../ingest/samples/perumda/bills.js";
import { billedAtStart, City, realScale, type Region } from "../../ingest/samples/perumda/city.js";
import { CityEvents } from "../../ingest/samples/perumda/events.js";
import { defineSource } from "../../src/project/source.js";
import { writeSampleTable } from "../../src/ingest/write-sample-table.js";
import { freshDatabase } from "../support/database.js";
import { ingestProject } from "../ingest/support.js";
import { skipUnless } from "../support/skip.js";

const request = { customers: 200, months: 30, seed: 4 };
const series = "../shared/data/water/perumda_monthly_revenue.csv";

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
const months = (count: number): number[] => Array.from({ length: count }, (_, month) => month);

function textOf(asked: typeof request): string[] {
  return [...perumda.tables(asked)].map(({ table, content }) => `${table}\n${[...content].join("")}`);
}

/** What the generator's own objects say each table holds. */
function truth({ customers, months: count, seed }: typeof request): Record<string, Row[]> {
  const last = count - 1;
  const city = new City(seed, customers);
  const bills = new Bills(seed, city);
  const events = new CityEvents(seed, city, last);
  const everyMonth = (rows: (month: number) => Iterable<Row>): Row[] =>
    months(count).flatMap((month) => [...rows(month)]);
  const everyBill = (rows: (number: number, month: number) => Row[]): Row[] =>
    everyMonth((month) => upTo(city.everBy(month)).flatMap((number) => rows(number, month)));
  return {
    pelanggan: upTo(city.everBy(last)).map((number) => Object.values(city.at(number, last)) as string[]),
    brek: everyBill((number, month) => bills.brek(number, month)),
    trx: everyBill((number, month) => bills.trx(number, month, last)),
    pemutusan: upTo(city.everBy(last)).flatMap((number) => [...events.pemutusan(number)]),
    pengaduan: everyMonth((month) => events.pengaduan(month)),
    sbbaru: everyMonth((month) => events.sbbaru(month)),
  };
}

/** Sum of what is billed in a month, by region. */
function billed(
  city: City,
  bills: Bills,
  month: number,
): Record<Region, { tagihan: number; pemakaian: number }> {
  const sums = {
    PS: { tagihan: 0, pemakaian: 0 },
    SN: { tagihan: 0, pemakaian: 0 },
    UT: { tagihan: 0, pemakaian: 0 },
  };
  for (const number of upTo(city.everBy(month))) {
    const bill = bills.at(number, month);
    if (!bill) continue;
    const sum = sums[city.at(number, month).region];
    sum.tagihan += bill.tagihan;
    sum.pemakaian += bill.pemakaian;
  }
  return sums;
}

describe("the sample of the water company", () => {
  test("is the same for the same seed and another for another", () => {
    expect(textOf(request)).toEqual(textOf(request));
    const other = textOf({ ...request, seed: 5 });
    expect(textOf(request).filter((table) => other.includes(table))).toHaveLength(1);
  });

  test("fills the tables of the operational database value by value", async () => {
    const database = await freshDatabase();
    onTestFinished(() => database.drop());
    for (const table of perumda.tables(request)) {
      await writeSampleTable(database.warehouse, table, { signal: new AbortController().signal });
    }
    for (const [name, expected] of Object.entries(truth(request))) {
      const { rows } = await database.warehouse.query<Record<string, string | number | null>>(
        `select * from perumda.${name}`,
      );
      const found = rows.map((row) =>
        Object.values(row).map((value) => (value === null ? null : String(value))),
      );
      expect(found, name).toEqual(expected);
    }
  });

  test("has the real totals of 2021-01 by region, and about the real revenue of every month after", (context) => {
    skipUnless(context, existsSync(series), "the shared data is not here");
    const customers = 20_000;
    const scale = realScale.customers / customers;
    const city = new City(1, customers);
    const bills = new Bills(1, city);
    const first = billed(city, bills, 0);
    for (const region of ["PS", "SN", "UT"] as const) {
      expect(Math.abs((first[region].tagihan * scale) / billedAtStart[region] - 1), region).toBeLessThan(
        0.04,
      );
    }
    const m3 = Object.values(first).reduce((sum, { pemakaian }) => sum + pemakaian, 0);
    expect(Math.abs((m3 * scale) / realScale.m3 - 1)).toBeLessThan(0.02);
    const real = readFileSync(series, "utf8").trimEnd().split("\r\n").slice(1);
    const off = real.map((line, month) => {
      const total = Object.values(billed(city, bills, month)).reduce((sum, { tagihan }) => sum + tagihan, 0);
      return Math.abs((total * scale) / Number(line.split(",")[1]) - 1);
    });
    // The real city has odd months, such as 2023-03 with a fifth less than its neighbours.
    expect(off.filter((each) => each > 0.13).length).toBeLessThanOrEqual(2);
    expect(off.reduce((sum, each) => sum + each, 0) / off.length).toBeLessThan(0.05);
  });

  test("has every kind of dirt", () => {
    const { brek = [], trx = [], pengaduan = [], sbbaru = [], pemutusan = [] } = truth(request);
    const copies = (rows: readonly Row[]): number =>
      rows.length - new Set(rows.map((row) => row.join())).size;
    const key = (row: Row): string => row.slice(0, 3).join();
    const billKeys = new Set(brek.map(key));
    const paid = new Map(trx.map((row) => [key(row), row]));
    const ofBills = brek.filter((row) => row[4] === null).map((row) => paid.get(key(row)));
    expect(billFlaws).toHaveLength(8);
    expect(copies(brek)).toBeGreaterThan(20);
    expect(copies(trx)).toBeGreaterThan(20);
    expect(ofBills.filter((row) => row?.[3] != null && row[4] === "0").length).toBeGreaterThan(20);
    expect(ofBills.filter((row) => row?.[3] != null && row[4] !== "0").length).toBeGreaterThan(20);
    expect(ofBills.filter((row) => row && row[3] === null).length).toBeGreaterThan(20);
    expect(trx.filter((row) => row[4] === null).length).toBeGreaterThan(20);
    expect(trx.filter((row) => row[3] === null).length).toBeGreaterThan(20);
    expect(trx.filter((row) => !billKeys.has(key(row))).length).toBeGreaterThan(20);
    expect(copies(pengaduan)).toBeGreaterThan(10);
    expect(pengaduan.filter(([, , type]) => (type ?? "").trim() === "").length).toBeGreaterThan(10);
    const days = new Map<string, Set<string | null>>();
    for (const [code, at, type] of pengaduan) {
      const day = `${code} ${at?.slice(0, 10)}`;
      days.set(day, (days.get(day) ?? new Set()).add(type ?? null));
    }
    expect([...days.values()].filter((types) => types.size > 1).length).toBeGreaterThan(10);
    expect(sbbaru.filter(([code]) => code?.includes("REG") !== true)).toHaveLength(request.months);
    expect(sbbaru.filter(([, , , done]) => (done ?? "").trim() === "")).toHaveLength(request.months);
    expect(new Set(pemutusan.map(([, , done, reopened]) => `${done} ${reopened === null}`))).toEqual(
      new Set(["Y true", "Y false", "T true"]),
    );
  });

  test("changes customers, pays late bills and keeps what was billed when a month is added", () => {
    const [before, after] = [truth({ ...request, months: 29 }), truth(request)];
    const changed = (place: number): number =>
      (before["pelanggan"] ?? []).filter((row, index) => row[place] !== after["pelanggan"]?.[index]?.[place])
        .length;
    const long = truth({ ...request, months: 6 })["pelanggan"] ?? [];
    const places = [2, 3, 4].map(
      (place) => long.filter((row, index) => row[place] !== after["pelanggan"]?.[index]?.[place]).length,
    );
    expect(changed(0)).toBe(0);
    for (const count of places) expect(count).toBeGreaterThan(0);
    const upToBefore = (rows: readonly Row[]): readonly Row[] => rows.slice(0, before["brek"]?.length);
    expect(upToBefore(after["brek"] ?? [])).toEqual(before["brek"]);
    const known = new Set((before["trx"] ?? []).map((row) => row.join()));
    const late = (after["trx"] ?? []).filter(
      (row) => !known.has(row.join()) && !(row[1] === "2023" && row[2] === "6"),
    );
    expect(late.length).toBeGreaterThan(0);
  });
});

test("the real revenue series loads with its 45 months from 2021-01 and their sum", async (context) => {
  skipUnless(context, existsSync(series), "the shared data is not here");
  const revenue = defineSource({
    name: "city/revenue",
    files: "*.csv",
    columns: { month: { type: "date", unique: true }, revenue_idr: { type: "bigint", required: true } },
  });
  const project = await ingestProject([revenue], { "raw/city/revenue.csv": readFileSync(series) });
  expect((await project.ingest()).files).toMatchObject([{ rows: 45, rejected: 0 }]);
  const loaded = await project.rows("select month, revenue_idr from bronze.city_revenue order by _row");
  expect(loaded.map(([month]) => month)).toEqual(
    months(45).map((month) => new Date(Date.UTC(2021, month, 1)).toISOString().slice(0, 10)),
  );
  expect(await project.rows("select sum(revenue_idr::bigint)::text from bronze.city_revenue")).toEqual([
    ["756912372399"],
  ]);
});
