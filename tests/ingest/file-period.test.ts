import { describe, expect, test } from "vitest";
import { defineSource, type SourceOptions } from "../../src/project/source.js";
import { filePeriod, monthNumber, parsePeriod, periodStart } from "../../src/ingest/file-period.js";
import { ingestProject } from "./support.js";

function source(period: SourceOptions["period"]): ReturnType<typeof defineSource> {
  if (!period) throw new Error("a rule is wanted");
  return defineSource({ name: "shop/x", files: "*.csv", columns: { day: {}, n: {} }, period });
}

const file = (path: string): { folder: string; path: string; matchPath: string } => ({
  folder: "raw/shop",
  path,
  matchPath: path,
});
const none: readonly ReadonlyMap<string, number>[] = [];

describe("a period by the file's name", () => {
  const monthly = source({ grain: "month", fromName: /_(?<month>[A-Za-z]+|\d{2})_?(?<year>\d{4}|\d{2})/ });

  test.each([
    ["x_1125.csv", "2025-11-01", "name: _1125"],
    ["x_01_2026.csv", "2026-01-01", "name: _01_2026"],
    ["x_Agustus2025.csv", "2025-08-01", "name: _Agustus2025"],
    ["x_nop2025.csv", "2025-11-01", "name: _nop2025"],
    ["x_OKT_25.csv", "2025-10-01", "name: _OKT_25"],
  ])("%s", (name, start, rule) => {
    expect(filePeriod(monthly, file(name), none, undefined)).toEqual({ start, rule });
  });

  test("that is no date is an error, whatever --period says", () => {
    expect(() => filePeriod(monthly, file("x_1325.csv"), none, "2026-01-01")).toThrow(
      "13-25, which is no date",
    );
  });

  test("that does not tell needs --period, which is cut to the grain", () => {
    expect(() => filePeriod(monthly, file("x.csv"), none, undefined)).toThrow("its name does not match");
    expect(filePeriod(monthly, file("x.csv"), none, "2026-03-15")).toEqual({
      start: "2026-03-01",
      rule: "--period",
    });
  });
});

describe("a period by a column", () => {
  const rule: SourceOptions["period"] = {
    grain: "month",
    fromName: /(?<year>\d{4})(?<month>\d{2})/,
    fromColumn: {
      column: "day",
      pattern: /^(?<day>\d{1,2})[-/.](?<month>\d{1,2})[-/.](?<year>\d{4})$/,
      shiftMonths: 1,
    },
  };

  test("is that of most rows, shifted, before the name is asked", async () => {
    const project = await ingestProject([source(rule)], {
      "raw/shop/x_202001.csv": "day,n\n31/12/2025,1\n30-12-2025,2\n1.1.2026,3\n?,4\n",
    });
    await project.ingest();
    expect(await project.rows("select distinct _period::text from bronze.shop_x")).toEqual([["2026-01-01"]]);
    expect(await project.rows("select period_rule from aquifer.ingest_file")).toEqual([
      ["day +1 month: 2 of 3 rows"],
    ]);
  });

  test("is refused when two stand equally often", async () => {
    const project = await ingestProject([source(rule)], {
      "raw/shop/x.csv": "day,n\n1/1/2026,1\n1/2/2026,2\n",
    });
    await expect(project.ingest()).rejects.toThrow("2026-02-01 and 2026-03-01 each stand in 1 rows of day");
  });

  test("gives way to the name when no value is a date", async () => {
    const project = await ingestProject([source(rule)], { "raw/shop/x_202001.csv": "day,n\n,1\n" });
    await project.ingest();
    expect(await project.rows("select _period::text from bronze.shop_x")).toEqual([["2020-01-01"]]);
  });
});

test("the 31st shifted by a month does not skip a shorter one", () => {
  expect(periodStart("month", { year: "2026", month: "1", day: "31" }, 1)).toBe("2026-02-01");
});

test("months are known in English and Indonesian", () => {
  const names = "January Pebruari maret APR mei June Juli Ags Sept Oktober Nopember des".split(" ");
  expect(names.map(monthNumber)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(["13", "0", "xyz", ""].map(monthNumber)).toEqual([undefined, undefined, undefined, undefined]);
});

test("--period is a day that exists", () => {
  expect(["2026", "2026-02", "2026-02-28"].map(parsePeriod)).toEqual([
    "2026-01-01",
    "2026-02-01",
    "2026-02-28",
  ]);
  for (const text of ["26", "2026-13", "2026-02-30", "x"])
    expect(() => parsePeriod(text)).toThrow("is no period");
});

test.each([
  [{ grain: "month" }, "neither fromName nor fromColumn"],
  [{ grain: "month", fromName: /(?<year>\d{4})/ }, 'has no group "month"'],
  [{ grain: "year", fromName: /(?<year>\d{4})/g }, "remembers where it was"],
  [{ grain: "year", fromColumn: { column: "z", pattern: /(?<year>\d{4})/ } }, "no column of it"],
] as const)("a rule that cannot work is refused: %j", (rule, words) => {
  expect(() => source(rule)).toThrow(words);
});
