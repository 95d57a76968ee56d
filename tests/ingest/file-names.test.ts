import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { catalogue, correction } from "../../ingest/telco.js";
import * as pam from "../../ingest/pam.js";
import { AquiferError, describeError } from "../../src/base/errors.js";
import { filePeriod } from "../../src/ingest/file-period.js";
import { freshDatabase, type TestDatabase } from "../support/database.js";
import { ingestProject } from "./support.js";

const all = Object.values(pam);
const mc = "NOMEN;ZONA_NOVAK;NOTAGIHAN;TGL_CATAT;KUBIK;NOMINAL\n";
const mcRow = "1;350960217;9;;1;2\n";
const mb = "MC VOL OKT 25_NOMEN,BULAN_REK,TGL_BAYAR,JUMLAH\n";
const sbrs = "cmr_account,cmr_prev_read,cmr_reading,cmr_rd_date,Bill_Period\n";
const coll = "NOMEN|AMT_COLLECT|PAY_DT\n";
const debt = "NOMEN,RAYON,SumOfJUMLAH\n1,34,5\n";

async function failure(promise: Promise<unknown>): Promise<string> {
  const thrown: unknown = await promise.catch((error: unknown) => error);
  if (!(thrown instanceof AquiferError)) throw new Error("expected an AquiferError", { cause: thrown });
  return describeError(thrown);
}

/** Of each case: the sentence of the specification, the name, the content, and source, period and rule that they tell. */
const cases: readonly (readonly [
  sentence: string,
  name: string,
  content: string,
  source: string,
  period: string,
  rule: string,
])[] = [
  ["MC: ^MC\\d", "MC1125_AB_Sunter.xls", mc + mcRow, "pam/mc", "2025-11-01", "name: 1125"],
  ["MC: ^MC_", "MC_Sunter_202511.csv", mc + mcRow, "pam/mc", "2025-11-01", "name: 202511"],
  [
    "MC: _MC_",
    "Sunter_MC_112025.csv",
    `${mc}1;350960217;9;20112025;1;2\n`,
    "pam/mc",
    "2025-12-01",
    "tgl_catat +1 month: 1 of 1 rows",
  ],
  [
    "MC: \\bMC\\b",
    "Data MC.csv",
    `${mc}1;350960217;9;2025-11-30;1;2\n`,
    "pam/mc",
    "2025-12-01",
    "tgl_catat +1 month: 1 of 1 rows",
  ],
  ["MC: MASTER", "MASTER 202511.csv", mc + mcRow, "pam/mc", "2025-11-01", "name: 202511"],
  ["MC: without MB", "MC_MB_nop_25.csv", `${mb}1,,,3\n`, "pam/mb", "2025-11-01", "name: nop_25"],
  ["MB: ^MB_", "MB_1125.xls", `${mb}1,,,3\n`, "pam/mb", "2025-11-01", "name: 1125"],
  ["MB: ^MB\\d", "MB1125.csv", `${mb}1,,,3\n`, "pam/mb", "2025-11-01", "name: 1125"],
  ["MB: _MB_", "Sunter_MB_1125.csv", `${mb}1,,,3\n`, "pam/mb", "2025-11-01", "name: 1125"],
  ["MB: \\bMB\\b", "Data MB 2025-11.csv", `${mb}1,,,3\n`, "pam/mb", "2025-11-01", "name: 2025-11"],
  [
    "SBRS: contains SBRS, whatever the case",
    "data sbrs mei 2025.csv",
    `${sbrs}1,2,3,,\n`,
    "pam/sbrs",
    "2025-05-01",
    "name: mei 2025",
  ],
  [
    "COLLECTION: the example",
    "Collection-2025-12-01_sd_2025-12-02-02122025042156.txt",
    `${coll}1|5|\n`,
    "pam/collection",
    "2025-12-01",
    "name: 2025-12-01",
  ],
  ["COLLECTION: COLL", "coll_des25.csv", `${coll}1|5|\n`, "pam/collection", "2025-12-01", "name: des25"],
  [
    "MAINBILL: the example",
    "MainBill-12-12-2025_sd_13-12-2025-13122025043303.txt",
    "NOMEN;TOTAL_TAGIHAN;FREEZE_DT\n1;1.234,50;\n",
    "pam/mainbill",
    "2025-12-01",
    "name: 12-12-2025",
  ],
  ["ARDEBT: contains ARDEBT", "Sunter ARDEBT 2025-11.csv", debt, "pam/ardebt", "2025-11-01", "name: 2025-11"],
  ["ARDEBT: contains DEBT", "DEBT_ags2025.csv", debt, "pam/ardebt", "2025-08-01", "name: ags2025"],
  [
    "a name of two types: the columns decide between them",
    "MASTER_COLL_1125.csv",
    `${coll}1|5|\n`,
    "pam/collection",
    "2025-11-01",
    "name: 1125",
  ],
  ["columns: ZONA_NOVAK is MC", "Book1 1125.csv", mc + mcRow, "pam/mc", "2025-11-01", "name: 1125"],
  [
    "columns: AMT_COLLECT and PAY_DT with NOMEN are COLLECTION, TGL_BAYAR or not",
    "Book2.csv",
    "NOMEN|AMT_COLLECT|PAY_DT|TGL_BAYAR|NOMINAL\n1|-5|2025-12-01||\n",
    "pam/collection",
    "2025-12-01",
    "pay_dt: 1 of 1 rows",
  ],
  [
    "columns: CMR_ACCOUNT is SBRS",
    "Book3.csv",
    `${sbrs}1,2,3,1112025,\n`,
    "pam/sbrs",
    "2025-11-01",
    "cmr_rd_date: 1 of 1 rows",
  ],
  [
    "columns: TGL_BAYAR with NOMINAL and no AMT_COLLECT is MB",
    "Book4.csv",
    "NOMEN,TGL_BAYAR,NOMINAL\n1,5/10/2025,3\n",
    "pam/mb",
    "2025-11-01",
    "tgl_bayar +1 month: 1 of 1 rows",
  ],
  [
    "columns: TGL_BAYAR with JUMLAH is MB",
    "Book5.csv",
    "NOMEN,TGL_BAYAR,JUMLAH\n1,5.10.25,3\n",
    "pam/mb",
    "2025-11-01",
    "tgl_bayar +1 month: 1 of 1 rows",
  ],
  [
    "columns: TOTAL_TAGIHAN or BILL_CYCLE is MAINBILL",
    "Book6.csv",
    "NOMEN;TOTAL_TAGIHAN;BILL_CYCLE;FREEZE_DT\n1;2;C1;12-12-2025\n",
    "pam/mainbill",
    "2025-12-01",
    "freeze_dt: 1 of 1 rows",
  ],
  [
    "columns: SUMOFJUMLAH is ARDEBT",
    "Book7 agustus 2025.csv",
    debt,
    "pam/ardebt",
    "2025-08-01",
    "name: agustus 2025",
  ],
  [
    "columns: PERIODE_BILL is ARDEBT, without offset",
    "Book8.csv",
    "NOMEN,RAYON,PCEZ,PERIODE_BILL,JUMLAH\n1,34,151/10,202511,5\n",
    "pam/ardebt",
    "2025-11-01",
    "periode_bill: 1 of 1 rows",
  ],
  [
    "period: content first, MC TGL_CATAT +1 month, two-digit year, over the end of the year",
    "MC1125.csv",
    `x\n\n${mc}1;350960217;9;31-12-25;1;2\n`,
    "pam/mc",
    "2026-01-01",
    "tgl_catat +1 month: 1 of 1 rows",
  ],
  [
    "period: Excel serial dates",
    "Data MC 1125.csv",
    `${mc}1;350960217;9;45962.0;1;2\n`,
    "pam/mc",
    "2025-12-01",
    "tgl_catat +1 month: 1 of 1 rows",
  ],
  [
    "period: MB TGL_BAYAR +1 month",
    "MB_1225.csv",
    `${mb}1,112025,5/10/2025,3\n`,
    "pam/mb",
    "2025-11-01",
    "tgl_bayar +1 month: 1 of 1 rows",
  ],
  [
    "period: MB BULAN_REK where no row has a date",
    "MB_1125.csv",
    `${mb}1,122025,,3\n`,
    "pam/mb",
    "2025-12-01",
    "bulan_rek: 1 of 1 rows",
  ],
  [
    "period: COLLECTION PAY_DT, of most rows",
    "Collection-2025-11-30.txt",
    `${coll}1|5|2025-11-30\n2|5|1-12-2025\n3|5|01122025\n`,
    "pam/collection",
    "2025-12-01",
    "pay_dt: 2 of 3 rows",
  ],
  [
    "period: SBRS cmr_rd_date, DDMMYYYY digits, before Bill_Period",
    "SBRS.csv",
    `${sbrs}1,2,3,01112025,202510\n`,
    "pam/sbrs",
    "2025-11-01",
    "cmr_rd_date: 1 of 1 rows",
  ],
  [
    "period: SBRS then Bill_Period",
    "SBRS 0125.csv",
    `${sbrs}1,2,3,,202511\n`,
    "pam/sbrs",
    "2025-11-01",
    "bill_period: 1 of 1 rows",
  ],
  [
    "period: a date in the name of MC counts one month on, an explicit MMYY does not",
    "MC 31-10-2025.csv",
    mc + mcRow,
    "pam/mc",
    "2025-11-01",
    "name +1 month: 31-10-2025",
  ],
  [
    "period: a date in the name of MB counts one month on",
    "MB_05102025.csv",
    `${mb}1,,,3\n`,
    "pam/mb",
    "2025-11-01",
    "name +1 month: 05102025",
  ],
  [
    "header on row 5, its case and blanks, BOM, NUL and non-breaking spaces",
    "MC0226.csv",
    `\uFEFFPAM\0 JAYA\nMC\n\nSunter\nFebruari\n\u00A0nomen ;Zona_Novak; NOTAGIHAN;tgl_catat\u00A0;Kubik;\u00A0NOMINAL \n${mcRow}`,
    "pam/mc",
    "2026-02-01",
    "name: 0226",
  ],
];

describe("a file is of the source and the period that the specification says", () => {
  // One database for all: dozens would take longer than the loads.
  let database: TestDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.drop());

  test.each(cases)("%s", async (_sentence, name, content, source, period, rule) => {
    const project = await ingestProject(all, { [`raw/pam/${name}`]: content }, database);
    const { files } = await project.ingest({ force: true });
    expect(files).toMatchObject([{ source, period, periodRule: rule }]);
    // The method is recorded.
    expect(
      await project.rows(
        `select source, period::text, period_rule from aquifer.ingest_file where file_name = 'pam/${name}'`,
      ),
    ).toEqual([[source, period, rule]]);
  });
});

test("no two cases cover the same sentence", () => {
  expect(new Set(cases.map(([sentence]) => sentence)).size).toBe(cases.length);
});

test("month names of both languages, in any case, long or short, before the year or after it", () => {
  const [source] = all.filter(({ name }) => name === "pam/ardebt");
  if (!source) throw new Error("no source");
  const months = [
    "jan Januari JANUARY",
    "peb Feb Pebruari februari February",
    "mar Maret March",
    "apr April",
    "mei May",
    "jun Juni June",
    "jul Juli July",
    "ags agu Aug Agustus August",
    "sep Sept September",
    "okt Oct Oktober October",
    "nop Nov Nopember november",
    "des Dec Desember DECEMBER",
  ];
  for (const [index, names] of months.entries()) {
    const start = `2025-${String(index + 1).padStart(2, "0")}-01`;
    for (const month of names.split(" ")) {
      for (const name of [`DEBT ${month} 2025.csv`, `DEBT_${month}25.csv`, `DEBT 2025-${month}.csv`]) {
        const file = { folder: "raw/pam", path: name, matchPath: name };
        expect(filePeriod(source, file, [], undefined)?.start, name).toBe(start);
      }
    }
  }
});

test("then an explicit --period; never silently today's date", async () => {
  const project = await ingestProject(all, { "raw/pam/ARDEBT.csv": debt });
  const error = await failure(project.ingest());
  expect(error).toContain("The period of raw/pam/ARDEBT.csv is not known");
  expect(error).toContain("--period");
  const { files } = await project.ingest({ period: "2025-11" });
  expect(files).toMatchObject([{ period: "2025-11-01", periodRule: "--period" }]);
});

test("Collection accumulates: days of one month are all current, also where they overlap", async () => {
  const project = await ingestProject(all, {
    "raw/pam/Collection-2025-12-01_sd_2025-12-02-1.txt": `${coll}1|-5|2025-12-01\n2|-6|2025-12-02\n`,
    "raw/pam/Collection-2025-12-02_sd_2025-12-03-2.txt": `${coll}2|-6|2025-12-02\n3|7|2025-12-03\n`,
  });
  await project.ingest();
  expect(await project.rows("select nomen from bronze.pam_collection order by 1")).toEqual([
    ["1"],
    ["2"],
    ["2"],
    ["3"],
  ]);
});

test("a name and columns that disagree are an error naming both", async () => {
  const project = await ingestProject(all, { "raw/pam/MB_1125.csv": `${mc}1;350960217;9;;1;2\n` });
  expect(await failure(project.ingest())).toContain("its name says pam/mb, its columns say pam/mc");
});

test("an unknown file is an error that lists what was looked for", async () => {
  const project = await ingestProject(all, { "raw/pam/notes.csv": "a,b\n1,2\n" });
  const error = await failure(project.ingest());
  expect(error).toContain("raw/pam/notes.csv matches no source");
  for (const { name } of all) expect(error).toContain(`${name} looks for`);
  expect(error).toContain("zona_novak");
});

test("a period without a file of an expected source is missing until it comes", async () => {
  const project = await ingestProject(all, {
    "raw/pam/MC1125.csv": `${mc}1;350960217;9;;1;2\n`,
    "raw/pam/MC0126.csv": `${mc}1;350960217;9;;1;2\n`,
  });
  const missing = async (): Promise<unknown> =>
    (await project.ingest()).missing.filter(({ source }) => source === "pam/mc");
  expect(await missing()).toEqual([{ source: "pam/mc", period: "2025-12-01" }]);
  expect(
    await project.rows("select count(*) from aquifer.ingest_missing where source = 'pam/analysis'"),
  ).toEqual([["0"]]);
  await project.write("raw/pam/MC1225.csv", `${mc}1;350960217;9;;1;3\n`);
  expect(await missing()).toEqual([]);
});

test("of two files of one period that both still lie there, the later one stays current", async () => {
  const project = await ingestProject(all, {
    "raw/pam/MC1125.csv": `${mc}1;350960217;9;;1;2\n`,
    "raw/pam/MC1125_b.csv": `${mc}1;350960217;9;;1;3\n`,
  });
  await project.ingest();
  const again = await project.ingest();
  expect(again.batch).toBeUndefined();
  expect(again.files).toMatchObject([
    { action: "skip", reason: "pam/MC1125_b.csv has taken its place" },
    { action: "skip", reason: "unchanged" },
  ]);
  expect(await project.rows("select nominal from bronze.pam_mc")).toEqual([["3"]]);
});

const scraped = "package_name,price,validity\nX,1,2\n";
const less3 = "less3";
test.each([
  [
    "<Operator>_<City>_<less3|more3>_<device><n>_<YYYYMMDD>",
    "Indosat_Lombok_less3_jaksel3_20260102.csv",
    ["Indosat", "Lombok", less3, "2026-01-02"],
  ],
  [
    "<Operator>_<City>_<less3|more3>_<YYYYMMDD>_<device><n>",
    "Indosat_Bali_more3_20260102_jaksel3.csv",
    ["Indosat", "Bali", "more3", "2026-01-02"],
  ],
  [
    "the date may stand anywhere in the name",
    "XL_Aceh_20260102_less3_x1.csv",
    ["XL", "Aceh", less3, "2026-01-02"],
  ],
  [
    "the first 20[0-9]{6} that is a valid date",
    "XL_Aceh_less3_20261340_x20260230_20260103_20260104.csv",
    ["XL", "Aceh", less3, "2026-01-03"],
  ],
  [
    "also one that overlaps other digits",
    "Tri_Solo_any_2020260103_x1.csv",
    ["Tri", "Solo", null, "2026-01-03"],
  ],
  [
    "operator is token 1, city is token 2, never the device",
    "Tri_Medan_more3_bali2_20260103.csv",
    ["Tri", "Medan", "more3", "2026-01-03"],
  ],
])("%s", async (_sentence, name, expected) => {
  const project = await ingestProject([catalogue, correction], { [`raw/telco/${name}`]: scraped });
  await project.ingest();
  expect(
    await project.rows("select _operator, _city, _length_of_stay, _period::text from bronze.telco_catalogue"),
  ).toEqual([expected]);
});

test("a name without a valid date is an error that says what it gives", async () => {
  const project = await ingestProject([catalogue, correction], {
    "raw/telco/XL_Aceh_less3_20261340.csv": scraped,
  });
  expect(await failure(project.ingest())).toContain("its name gives 2026-13-40, which is no date");
});

test("the same content twice is skipped with a message, the same content of another city is not", async () => {
  const project = await ingestProject([catalogue, correction], {
    "raw/telco/Indosat_Lombok_less3_jaksel3_20260102.csv": scraped,
    "raw/telco/Indosat_Lombok_less3_jaksel3_20260102 (1).csv": scraped,
    "raw/telco/Indosat_Bali_less3_jaksel3_20260102.csv": scraped,
  });
  const { files } = await project.ingest();
  const skipped = files.filter(({ action }) => action === "skip");
  expect(skipped).toMatchObject([{ reason: expect.stringContaining("its content is loaded as") as string }]);
  expect(await project.rows("select _city from bronze.telco_catalogue order by 1")).toEqual([
    ["Bali"],
    ["Lombok"],
  ]);
});

test("the same name with new content supersedes, in a batch of its own that is named by day and number", async () => {
  const path = "raw/telco/Indosat_Lombok_less3_jaksel3_20260102.csv";
  const project = await ingestProject([catalogue, correction], { [path]: scraped });
  const batches = [(await project.ingest()).batch];
  await project.write(path, scraped.replace("X,1", "X,9"));
  batches.push((await project.ingest()).batch);
  expect(batches).toEqual(["batch_150126_1", "batch_150126_2"]);
  expect(await project.rows("select price, _batch from bronze.telco_catalogue")).toEqual([
    ["9", "batch_150126_2"],
  ]);
  expect(await project.rows("select count(*) from bronze_store.telco_catalogue")).toEqual([["2"]]);
});

test("extra columns may appear: files of one batch are the union of their columns", async () => {
  const project = await ingestProject([catalogue, correction], {
    "raw/telco/XL_Aceh_less3_x1_20260102.csv": scraped,
    "raw/telco/XL_Bali_less3_x1_20260102.csv": "package_name,price,validity,promo\nY,1,2,new\n",
    "raw/telco/XL_Solo_less3_x1_20260102.csv": "package_name,bonus,price,validity\nZ,5,1,2\n",
  });
  await project.ingest();
  expect(
    await project.rows("select package_name, promo, bonus from bronze.telco_catalogue order by 1"),
  ).toEqual([
    ["X", null, null],
    ["Y", "new", null],
    ["Z", null, "5"],
  ]);
});

test("a key over several columns stands once in a file", async () => {
  const header = "product_id,column_name,old_value,new_value,changed_by,changed_at\n";
  const row = "p1,price,1,2,ana,2026-01-02 10:00:00\n";
  const project = await ingestProject([catalogue, correction], {
    "raw/telco/telco_correction_1.csv": header + row + row,
  });
  expect(await failure(project.ingest())).toContain("stands on row 1 already");
  await project.write("raw/telco/telco_correction_1.csv", header + row + row.replace("10:00", "11:00"));
  expect((await project.ingest()).files).toMatchObject([{ source: "telco/correction", rows: 2 }]);
});
