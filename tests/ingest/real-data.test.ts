import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { defineSource } from "../../src/project/source.js";
import { skipUnless } from "../support/skip.js";
import { ingestProject } from "./support.js";

const austin = "../shared/data/water/austin_water_consumption.csv";

const consumption = defineSource({
  name: "city/consumption",
  files: "*.csv",
  columns: {
    year_month: { required: true, pattern: "^\\d{6}$" },
    postal_code: {},
    customer_class: { required: true },
    total_gallons: { type: "bigint", required: true },
  },
});

test("a city's real water consumption loads value by value, with its 15,168 rows and 187 billion gallons", async (context) => {
  skipUnless(context, existsSync(austin), "the shared data is not here");
  const text = readFileSync(austin, "utf8");
  const project = await ingestProject([consumption], { "raw/city/consumption.csv": text });
  expect((await project.ingest()).files).toMatchObject([{ rows: 15_168, rejected: 0, method: "bytes" }]);
  const loaded = await project.rows(
    `select concat_ws(',', year_month, coalesce(postal_code, ''), customer_class, total_gallons)
     from bronze.city_consumption order by _row`,
  );
  expect(loaded.map(([line]) => line)).toEqual(text.trimEnd().split("\n").slice(1));
  expect(
    await project.rows(
      `select customer_class, count(*)::text as readings, sum(total_gallons::bigint)::text as gallons
       from bronze.city_consumption group by 1 order by 1`,
    ),
  ).toEqual([
    ["Irrigation - Multi-Family", "3526", "6341794400"],
    ["Irrigation - Residential", "3360", "315471800"],
    ["Multi-Family", "3946", "66029101600"],
    ["Residential", "4336", "114457282100"],
  ]);
  expect(
    await project.rows(
      `select min(year_month), max(year_month), count(distinct year_month)::text, count(*) filter (where postal_code is null)::text as no_code
       from bronze.city_consumption`,
    ),
  ).toEqual([["201201", "201910", "94", "16"]]);
  expect((await project.ingest()).batch).toBeUndefined();
});
