import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { missingMainbill, pam, pamBills, pamCalendar, pamTables } from "../../ingest/samples/pam.js";
import { Analyses, analysisColumns } from "../../ingest/samples/pam/analyses.js";
import { mcFlaw, mcFlaws } from "../../ingest/samples/pam/lists.js";
import { anomalies, skipCodes, troubleCodes } from "../../ingest/samples/pam/readings.js";
import { isRagged, type PamTable } from "../../ingest/samples/pam/table.js";
import { isoDay } from "../../ingest/samples/parts/calendar.js";
import type { SampleCell } from "../../src/project/sample.js";
import { sampleFolder, sampleLoader } from "../support/sample-loader.js";

const request = { customers: 400, months: 4, seed: 9 };
const months = [0, 1, 2, 3];
const bills = pamBills(request);
const numbers = (month: number): number[] =>
  Array.from({ length: bills.customers.everBy(month) }, (_, index) => index + 1);
const period = (month: number): string => isoDay(pamCalendar.start(month));
/** All but most of the daily files: those days that are like no other stand for them. */
const isWanted = (path: string): boolean =>
  !path.startsWith("Collection") || /_sd_\d{4}-\d\d-(?:01|02|10|15|20)-/.test(path);
const tables = months.flatMap((month) =>
  [...pamTables(bills, month)]
    .filter(({ path }) => isWanted(path))
    .map((table) => ({ month, table, rows: [...table.rows()] })),
);
/** The first one of November was wrong and came again. */
const current = tables.filter(({ table }) => table.path !== "MC1125_AB_Sunter.xls");

/** What bronze shows of a cell. */
function shown(cell: SampleCell, { layout }: PamTable): string | null {
  if (cell === null) return null;
  if (!(cell instanceof Date)) return String(cell);
  return layout.kind === "sheet" ? `${isoDay(cell.getTime())} 00:00:00` : isoDay(cell.getTime());
}

function digests(asked: typeof request): string[] {
  return [...pam.files(asked)].map((item) => {
    const hash = createHash("sha256");
    if ("content" in item) for (const piece of item.content) hash.update(piece);
    if ("sheets" in item) for (const { rows } of item.sheets) hash.update(JSON.stringify([...rows]));
    return `${item.path} ${hash.digest("hex")}`;
  });
}

describe("the sample of the area office", () => {
  test("is the same for the same seed and another for another", () => {
    const first = digests(request);
    expect(digests(request)).toEqual(first);
    const other = digests({ ...request, seed: 10 });
    expect(other.filter((line) => first.includes(line))).toEqual([]);
  });

  test("arrives value by value in every form, with its periods; rejects and missing files are the planted ones", async () => {
    const root = await sampleFolder(pam, request, isWanted);
    const { ingest, rows } = await sampleLoader(root, "pam");
    const result = await ingest();
    expect(result.waiting).toEqual([]);
    for (const { month, table, rows: made } of current) {
      const loaded = await rows(
        `select ${table.columns.join(", ")} from bronze.pam_${table.source}
         where _file_name = 'pam/${table.path}' and _period = '${period(month)}' order by _row`,
      );
      const expected = made
        .filter((_, index) => !isRagged(table, index))
        .map((row) => row.map((cell) => shown(cell, table)));
      expect(loaded, table.path).toEqual(expected);
    }
    const counts = await rows(
      ["mc", "mb", "mainbill", "sbrs", "ardebt", "collection"]
        .map((source) => `select '${source}' as source, count(*)::int from bronze.pam_${source}`)
        .join(" union all ")
        .concat(" order by 1"),
    );
    for (const [source, count] of counts) {
      const made = current.filter(({ table }) => table.source === source);
      const whole = made.map(
        ({ table, rows: all }) => all.filter((_, index) => !isRagged(table, index)).length,
      );
      expect([source, count]).toEqual([source, whole.reduce((sum, each) => sum + each, 0)]);
    }
    const planted = tables.flatMap(({ table, rows: made }) =>
      made.flatMap((_, index) => (isRagged(table, index) ? [[`pam/${table.path}`, index + 1]] : [])),
    );
    expect(planted.length).toBeGreaterThan(5);
    expect(
      await rows(
        'select file_name, row_number::int from aquifer.ingest_reject join aquifer.ingest_file using (file_id) order by file_name collate "C", row_number',
      ),
    ).toEqual(
      planted.sort(([a, i], [b, j]) => (a === b ? Number(i) - Number(j) : String(a) < String(b) ? -1 : 1)),
    );
    expect(result.missing).toEqual([{ source: "pam/mainbill", period: period(missingMainbill) }]);
    expect(await rows("select source, period::text from aquifer.ingest_missing")).toEqual([
      ["pam/mainbill", period(missingMainbill)],
    ]);
    const texts = await rows(
      "select encoding, sum(nul_bytes)::int from aquifer.ingest_file where method <> 'spreadsheet' group by 1 order by 1",
    );
    // Three NULs on each 15th; the lists that a spreadsheet program wrote are not UTF-8.
    expect(texts).toEqual([
      ["utf-8", 3 * months.length],
      ["windows-1252", 0],
    ]);
    const again = await ingest();
    expect(again.batch).toBeUndefined();
    expect(again.missing).toEqual(result.missing);
  });

  test("a list that came again is current, and the first one stays in the history", async () => {
    const root = await sampleFolder(pam, request, (path) => path.startsWith("MC1125"));
    const { ingest, rows } = await sampleLoader(root, "pam");
    await ingest();
    expect(
      await rows(
        "select file_name, superseded_by is null from aquifer.ingest_file where source = 'pam/mc' order by file_id",
      ),
    ).toEqual([
      ["pam/MC1125_AB_Sunter.xls", false],
      ["pam/MC1125_AB_Sunter_revisi.csv", true],
    ]);
    const [first, second] = tables.filter(({ table }) => table.path.startsWith("MC1125"));
    const sum = (rowsOf: readonly (readonly SampleCell[])[] = []): number =>
      rowsOf.reduce((total, row) => total + Number(String(row[14]).replace(/\.|,00$/g, "")), 0);
    expect(sum(first?.rows)).toBeGreaterThan(sum(second?.rows));
    const [[loaded] = []] = await rows(
      "select sum(replace(replace(nominal, '.', ''), ',', '.')::numeric)::bigint::int from bronze.pam_mc",
    );
    const rejected = (second?.rows ?? []).filter((_, index) => second && isRagged(second.table, index));
    expect(loaded).toBe(sum(second?.rows) - sum(rejected));
  });

  test("has every payment in the daily files, most of them twice and spelled otherwise, whose sum is the truth", async () => {
    const root = await sampleFolder(pam, { ...request, months: 1 }, (path) => path.startsWith("Collection"));
    const { ingest, rows } = await sampleLoader(root, "pam");
    await ingest();
    const paid = [...bills.paidBetween(0, pamCalendar.start(0), pamCalendar.start(1) - 1)];
    const amount = paid.reduce((sum, { bill, fine }) => sum + bill.amount + fine, 0);
    expect(
      await rows(
        `select count(*)::int, sum(amount)::int
         from (select distinct notag, abs(amt_collect::numeric) as amount from bronze.pam_collection) as payment`,
      ),
    ).toEqual([[paid.length, amount]]);
    const [[copies, spellings, negative] = []] = await rows(
      `select count(*)::int as copies, count(distinct (nomen, notag, pay_dt))::int as spellings,
         count(*) filter (where amt_collect like '-%')::int as negative
       from bronze.pam_collection`,
    );
    expect(Number(copies)).toBeGreaterThan(paid.length * 1.8);
    expect(Number(spellings)).toBeGreaterThan(paid.length);
    expect(Number(negative)).toBeGreaterThan(paid.length);
  });

  test("has follow-up items whose changes are each in their month's file", async () => {
    const root = await sampleFolder(pam, request, (path) => path.startsWith("analisa"));
    const { ingest, rows } = await sampleLoader(root, "pam");
    await ingest();
    const analyses = new Analyses(request.seed, bills);
    const expected = months.flatMap((month) => [...analyses.rows(month)]);
    expect(
      await rows(`select ${analysisColumns.join(", ")} from bronze.pam_analysis order by _file_name, _row`),
    ).toEqual(expected);
    for (const month of months) {
      for (const row of analyses.rows(month)) expect(row[10]?.slice(0, 7)).toBe(period(month).slice(0, 7));
    }
    expect(new Set(expected.map((row) => row[4]))).toEqual(
      new Set(["pending", "in_progress", "completed", "rejected"]),
    );
    const keys = expected.map((row) => `${row[0]} ${row[10]}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("has all seven anomalies each month, as their rules say, and stands that go on where the last ones ended", () => {
    const { readings } = bills;
    for (const month of months) {
      const found = new Map<string, number>();
      for (const number of numbers(month)) {
        const reading = readings.at(number, month);
        const before = readings.at(number, month - 1);
        const { anomaly, opening, closing, usage } = reading;
        if (anomaly !== undefined) found.set(anomaly, (found.get(anomaly) ?? 0) + 1);
        if (anomaly === "extreme") expect(usage).toBeGreaterThan(100);
        if (anomaly === "drop" && before.usage > 0) expect(usage).toBeLessThan(before.usage / 2);
        if (anomaly === "zero") expect(usage).toBe(0);
        if (anomaly === "negative") expect(usage).toBeLessThan(0);
        if (anomaly === "incorrect") expect(closing).toBeLessThan(opening);
        if (anomaly === "rebill") expect(reading.message).toContain("REBILL");
        if (anomaly === "estimated") expect(reading.method).not.toBe("ACTUAL");
        if (anomaly === undefined) expect([usage, reading.method]).toEqual([closing - opening, "ACTUAL"]);
        if (before.closing >= before.opening) expect(opening).toBe(before.closing);
      }
      expect([...found.keys()].sort()).toEqual([...anomalies].sort());
      for (const count of found.values()) expect(count).toBeGreaterThanOrEqual(6);
    }
  });

  test("has customers who never pay, and bills that are paid early, on time and late", () => {
    const list = 1;
    const after = numbers(list).map((number) => bills.paidAfter(number, list));
    const share = (value: number | undefined): number =>
      after.filter((each) => each === value).length / after.length;
    expect(share(-1)).toBeGreaterThan(0.15);
    expect(share(0)).toBeGreaterThan(0.4);
    expect(share(1) + share(2)).toBeGreaterThan(0.05);
    const never = numbers(0).filter((number) =>
      months.every((month) => bills.paidAfter(number, month) === undefined),
    );
    expect(never.length).toBeGreaterThan(5);
    for (const number of never) expect([...bills.openAt(number, 3)]).toHaveLength(6);
    // Who paid before the list is not on the list of arrears.
    for (const number of numbers(list).filter((each) => bills.paidAfter(each, list) === -1))
      expect([...bills.openAt(number, list)].map(({ month }) => month)).not.toContain(list);
  });

  test("has every kind of dirt in the billed list", () => {
    for (const month of months) {
      const flaws = new Set(numbers(month).map((number) => mcFlaw(bills, number, month)));
      expect([...flaws].filter((flaw) => flaw !== undefined).sort()).toEqual([...mcFlaws].sort());
    }
  });

  test("uses codes that the tables of codes explain", () => {
    const codes = (seed: string): string[] =>
      readFileSync(`seeds/${seed}.csv`, "utf8")
        .split("\n")
        .slice(1)
        .map((line) => line.split(",")[0] ?? "");
    for (const code of skipCodes) expect(codes("pam_skip_code")).toContain(code);
    for (const code of troubleCodes) expect(codes("pam_trouble_code")).toContain(code);
  });

  test("writes no sheet of more rows than a program should hold", () => {
    const endings = (customers: number): Set<string> => {
      const paths = months.flatMap((month) =>
        [...pamTables(pamBills({ customers, seed: 1 }), month)].map(({ path, layout }) => {
          const ending = path.slice(path.lastIndexOf(".") + 1);
          expect(ending.startsWith("xls"), path).toBe(layout.kind === "sheet");
          return ending;
        }),
      );
      return new Set(paths);
    };
    expect(endings(400)).toEqual(new Set(["xls", "xlsx", "csv", "txt"]));
    expect(endings(3000)).toEqual(new Set(["xlsx", "csv", "txt"]));
    expect(endings(30_000)).toEqual(new Set(["csv", "txt"]));
  });

  test("broken files come only when asked for, and are refused one by one", async () => {
    const refused: Record<string, string> = {
      "MC1025_AB_Sunter.csv": "empty-file",
      "MB_1025.csv": "wrong-columns",
      "analisa_2025-10.csv": "too-many-rejects",
    };
    const asked = { ...request, months: 0, broken: true };
    expect([...pam.files(asked)].map(({ path }) => path)).toEqual(Object.keys(refused));
    expect([...pam.files({ ...request, months: 0 })]).toEqual([]);
    for (const [name, code] of Object.entries(refused)) {
      const root = await sampleFolder(pam, asked, (path) => path === name);
      await expect((await sampleLoader(root, "pam")).ingest(), name).rejects.toMatchObject({ code });
    }
  });
});
