import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { billFlaws, billRow, Bills } from "../../ingest/samples/utility/bills.js";
import { dayMs, isoDay, isoTime, monthStart } from "../../ingest/samples/utility/calendar.js";
import { Customers, snapshotFlaws, snapshotRow } from "../../ingest/samples/utility/customers.js";
import { flawOf } from "../../ingest/samples/parts/draws.js";
import { Outages, type OutageCell } from "../../ingest/samples/utility/outages.js";
import { ticketLine, Tickets } from "../../ingest/samples/utility/tickets.js";
import { rateSchedule, Usage } from "../../ingest/samples/utility/usage.js";
import { loader, request, sampleFolder, writeFiles } from "./support.js";

const customers = new Customers(request.seed, request.customers);
const usage = new Usage(request.seed, customers);
const bills = new Bills(request.seed, customers, usage);
const tickets = new Tickets(request.seed, customers);
const numbers = (month: number): number[] =>
  Array.from({ length: customers.everBy(month) }, (_, index) => index + 1);

function digests(root: string): string[] {
  const files = readdirSync(join(root, "raw/utility"), { recursive: true, withFileTypes: true }).filter(
    (each) => each.isFile(),
  );
  return files
    .map((file) => join(file.parentPath, file.name))
    .sort()
    .map(
      (path) => `${path.slice(root.length)} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`,
    );
}

/** The snapshot of a month as the generator's own objects tell it. */
function snapshot(month: number): string[][] {
  return numbers(month).flatMap((number) => {
    const customer = customers.at(number, month);
    if (!customer) return [];
    const flaw = flawOf(snapshotFlaws, number + month * 17, customers.atStart);
    const row = snapshotRow(customer, flaw);
    return flaw === "duplicate" ? [row, row] : [row];
  });
}

/** A day's file of readings, made without DuckDB. */
function readings(month: number, day: number, asText: boolean): (string | null)[][] {
  const hundredths = (value: number): string => (value / 100).toFixed(2);
  const row = (number: number, at: number): (string | null)[] => {
    const { usage: used, peak, minute, quality } = usage.reading(number, at);
    const flaw = usage.flaw(number, at);
    const kwh = flaw === "blank" ? (asText ? "ERR" : null) : hundredths(flaw === "negative" ? -used : used);
    const eight = String(number).padStart(8, "0");
    return [
      `M${eight}`,
      `${flaw === "unknownCustomer" ? "X" : "C"}${eight}`,
      isoTime(at + minute * 60_000)
        .replace("T", " ")
        .replace("Z", "+00"),
      kwh,
      hundredths(peak),
      rateSchedule(customers.bits(number)),
      flaw === "negative" ? "X" : quality,
    ];
  };
  const there = numbers(month).filter((number) => customers.isPresent(number, month));
  const flawed = (at: number, flaw: string): (string | null)[][] =>
    there.filter((number) => usage.flaw(number, at) === flaw).map((number) => row(number, at));
  const late = day - 2 * dayMs;
  return [
    ...there
      .filter((number) => !["late", "missing"].includes(usage.flaw(number, day) ?? ""))
      .map((number) => row(number, day)),
    ...(late < monthStart(0) ? [] : flawed(late, "late")),
    ...flawed(day, "duplicate"),
  ];
}

describe("the sample of the utility", () => {
  test("is the same for the same seed and another for another", async () => {
    const some = (path: string): boolean => !path.startsWith("usage/") || /-0[35]/.test(path);
    const first = digests(await sampleFolder(some));
    expect(digests(await sampleFolder(some))).toEqual(first);
    const other = digests(await sampleFolder(some, { ...request, seed: 12 }));
    expect(other.filter((line) => first.includes(line))).toEqual([]);
  });

  test("arrives value by value: snapshots in two encodings and two shapes, bills, tickets", async () => {
    const { ingest, rows } = await loader(
      await sampleFolder((path) => !path.startsWith("usage/") && !path.startsWith("outages/")),
    );
    const result = await ingest();
    expect(result.waiting).not.toContain("utility/customer");
    for (const month of [0, 1]) {
      const loaded = await rows(
        `select customer_id, customer_name, address, city, state, zip_code, customer_type, account_status, updated_at
         from bronze.utility_customer where _period = '${isoDay(monthStart(month))}' order by _row`,
      );
      // An empty cell is NULL.
      expect(loaded).toEqual(snapshot(month).map((row) => row.map((value) => (value === "" ? null : value))));
    }
    expect(
      await rows(
        "select _period::text, count(paperless_billing) > 0 from bronze.utility_customer group by 1 order by 1",
      ),
    ).toEqual([
      ["2026-01-01", false],
      ["2026-02-01", true],
    ]);
    expect(
      await rows(
        "select file_name, encoding from aquifer.ingest_file where source = 'utility/customer' order by 1",
      ),
    ).toEqual([
      ["utility/customers/customers_2026-01.csv", "utf-8"],
      ["utility/customers/customers_2026-02.csv", "windows-1252"],
    ]);
    const listed = [0, 1].flatMap((month) =>
      numbers(month).flatMap((number) => {
        const flaw = bills.flaw(number, month);
        const bill = bills.at(number, month);
        const before = month === 0 ? undefined : bills.at(number, month - 1);
        return [
          ...(bill && flaw !== "late" && flaw !== "ragged" ? [billRow(bill, flaw)] : []),
          ...(bill && flaw === "duplicate" ? [billRow(bill, flaw)] : []),
          ...(before && bills.flaw(number, month - 1) === "late" ? [billRow(before, undefined)] : []),
        ];
      }),
    );
    expect(
      await rows(
        "select bill_id, customer_id, billing_period, issued_on, due_on, amount, kwh, rate_schedule from bronze.utility_bill order by _period, _row",
      ),
    ).toEqual(listed.map((row) => row.map((value) => (value === "" ? null : value))));
    const sent = Array.from({ length: tickets.count() }, (_, index) => {
      const ticket = tickets.at(index, 0, 0);
      const flaw = tickets.flaw(index);
      if (!ticket || flaw === "broken") return [];
      const line = JSON.parse(ticketLine(ticket, flaw)) as Record<string, unknown>;
      return flaw === "duplicate" ? [line, line] : [line];
    }).flat();
    const loaded = await rows(
      "select to_jsonb(request) - array['_file_id', '_row', '_file_name', '_file_hash', '_period', '_batch', '_loaded_at'] from bronze.utility_service_request as request where _period = '2026-01-01' order by _row",
    );
    const asText = (value: unknown): unknown =>
      value === null || typeof value === "string" ? value : JSON.stringify(value);
    expect(loaded.map(([row]) => row)).toEqual(
      sent.map((ticket) =>
        Object.fromEntries(Object.entries(ticket).map(([name, value]) => [name, asText(value)])),
      ),
    );
    expect(
      await rows(
        "select distinct source from aquifer.ingest_reject join aquifer.ingest_file using (file_id) order by 1",
      ),
    ).toEqual([["utility/service_request"]]);
  });

  test("has readings whose values JavaScript computes alike: plain, as text, corrected, late", async () => {
    const { ingest, rows } = await loader(
      await sampleFolder((path) => /2026-01-(03|05|12|15)|2026-02-01/.test(path)),
    );
    await ingest();
    for (const [day, month] of [
      ["2026-01-03", 0],
      ["2026-01-05", 0],
      ["2026-01-12", 0],
      ["2026-01-15", 0],
      ["2026-02-01", 1],
    ] as const) {
      const loaded = await rows(
        `select meter_id, customer_id, read_at, usage_kwh, peak_demand_kw, rate_schedule, quality_code
         from bronze.utility_usage where _period = '${day}' order by _row`,
      );
      expect(loaded, day).toEqual(readings(month, Date.parse(day), day === "2026-01-15"));
    }
    expect(
      await rows(
        "select _file_name from bronze.utility_usage where _period in ('2026-01-05', '2026-01-12') group by 1 order by 1",
      ),
    ).toEqual([
      ["utility/usage/late/usage_2026-01-12_received_2026-01-19.parquet"],
      ["utility/usage/usage_2026-01-05_resent.parquet"],
    ]);
  });

  test("has outages on a sheet a year, below titles, dates as cells and as text", async () => {
    const asked = { ...request, months: 13 };
    const { ingest, rows } = await loader(await sampleFolder((path) => path.startsWith("outages/"), asked));
    await ingest();
    const outages = new Outages(request.seed, customers);
    const cell = (value: OutageCell): string | null =>
      value instanceof Date
        ? isoTime(value.getTime()).replace("T", " ").replace("Z", "")
        : value === null
          ? null
          : String(value);
    const expected = Array.from({ length: 13 }, (_, month) =>
      outages.rows(month).map((row) => [...row.map(cell), month < 12 ? "2026" : "2027"]),
    ).flat();
    expect(
      await rows(
        `select outage_id, feeder, started_at, restored_at, customers_affected, cause, reported_on, _sheet
         from bronze.utility_outage order by _row`,
      ),
    ).toEqual(expected);
    expect(
      await rows("select count(*) > 0 from bronze.utility_outage where restored_at < started_at"),
    ).toEqual([[true]]);
  });

  test("has every kind of dirt, as often as it says", () => {
    const count = (found: readonly (string | undefined)[]): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const flaw of found) if (flaw !== undefined) counts[flaw] = (counts[flaw] ?? 0) + 1;
      return counts;
    };
    const ofBills = count(
      numbers(0)
        .filter((number) => bills.at(number, 0))
        .map((number) => bills.flaw(number, 0)),
    );
    expect(Object.keys(ofBills).sort()).toEqual([...billFlaws].sort());
    for (const flaw of billFlaws) expect(Math.abs((ofBills[flaw] ?? 0) - 3), flaw).toBeLessThanOrEqual(1);
    const large = new Bills(1, new Customers(1, 100_000), usage);
    const flaws = Array.from({ length: 100_000 }, (_, index) => large.flaw(index + 1, 0));
    expect(count(flaws)).toMatchObject({ duplicate: 100, ragged: 200 });
  });

  test("has customers who move, pause, change their type, leave and return", () => {
    const many = new Customers(5, 4000);
    const states = Array.from({ length: 4000 }, (_, index) =>
      Array.from({ length: 12 }, (_each, month) => many.at(index + 1, month)),
    );
    const some = (test: (months: (typeof states)[number]) => boolean): number => states.filter(test).length;
    const differ = (key: "address" | "type" | "status") => (months: (typeof states)[number]) =>
      new Set(months.flatMap((each) => (each ? [each[key]] : []))).size > 1;
    expect(some(differ("address"))).toBeGreaterThan(300);
    expect(some(differ("type"))).toBeGreaterThan(10);
    expect(some(differ("status"))).toBeGreaterThan(300);
    expect(some((months) => !months[11])).toBeGreaterThan(30);
    expect(
      some((months) => months.some((each, index) => each && index > 0 && !months[index - 1])),
    ).toBeGreaterThan(30);
    // What did not change keeps its date; what changed has one of that month.
    for (const months of states) {
      for (let month = 1; month < 12; month++) {
        const [before, after] = [months[month - 1], months[month]];
        if (!before || !after) continue;
        const changed =
          JSON.stringify({ ...before, updatedAt: 0 }) !== JSON.stringify({ ...after, updatedAt: 0 });
        if (changed) expect(isoDay(after.updatedAt).slice(0, 7)).toBe(isoDay(monthStart(month)).slice(0, 7));
        else if (after.updatedAt < monthStart(month)) expect(after.updatedAt).toBe(before.updatedAt);
      }
    }
  });
});

describe("files that come late, twice or unchanged", () => {
  const snapshots = (path: string): boolean => path.startsWith("customers/");

  test("a late snapshot and one that equals last month's are each their month's", async () => {
    const root = await sampleFolder((path) => path.endsWith("customers_2026-02.csv"));
    const { ingest, rows } = await loader(root);
    await ingest();
    await writeFiles(root, (path) => path.endsWith("customers_2026-01.csv"));
    await cp(
      join(root, "raw/utility/customers/customers_2026-02.csv"),
      join(root, "raw/utility/customers/customers_2026-03.csv"),
    );
    const again = await ingest();
    expect(again.files.map(({ file, action }) => [file.slice(-11), action]).sort()).toEqual([
      ["2026-01.csv", "load"],
      ["2026-02.csv", "skip"],
      ["2026-03.csv", "restore"],
    ]);
    expect(
      await rows("select _period::text, count(*)::int from bronze.utility_customer group by 1 order by 1"),
    ).toEqual([
      ["2026-01-01", snapshot(0).length],
      ["2026-02-01", snapshot(1).length],
      ["2026-03-01", snapshot(1).length],
    ]);
    expect((await ingest()).batch).toBeUndefined();
  });

  test("a day that was sent again stays replaced, however often both files are seen", async () => {
    const root = await sampleFolder((path) => path.endsWith("2026-01-05.parquet"));
    const { ingest, rows } = await loader(root);
    await ingest();
    await writeFiles(root, (path) => path.includes("2026-01-05_resent"));
    expect((await ingest()).files).toMatchObject([{ action: "skip" }, { action: "load" }]);
    expect((await ingest()).batch).toBeUndefined();
    const day = await rows("select count(*)::int, max(_file_name) from bronze.utility_usage");
    expect(day).toEqual([
      [readings(0, Date.parse("2026-01-05"), false).length, "utility/usage/usage_2026-01-05_resent.parquet"],
    ]);
  });

  test("broken files come only when asked for, and are refused", async () => {
    const root = await sampleFolder(snapshots, { ...request, broken: true } as typeof request);
    const { ingest } = await loader(root);
    await expect(ingest()).rejects.toMatchObject({ code: "empty-file" });
    await rm(join(root, "raw/utility/customers/customers_2025-12.csv"));
    await writeFiles(root, (path) => path.startsWith("billing/"), {
      ...request,
      broken: true,
    } as typeof request);
    await expect(ingest()).rejects.toMatchObject({ code: "bad-archive" });
  });
});
