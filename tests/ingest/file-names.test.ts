import { expect, test } from "vitest";
import { catalogue, correction } from "../../ingest/telco.js";
import * as pam from "../../ingest/pam.js";
import { AquiferError, describeError } from "../../src/base/errors.js";
import { ingestProject } from "./support.js";

const all = Object.values(pam);
const mc = "NOMEN;ZONA_NOVAK;NOTAGIHAN;TGL_CATAT;KUBIK;NOMINAL\n";
const mb = "MC VOL OKT 25_NOMEN,BULAN_REK,TGL_BAYAR,JUMLAH\n";

async function failure(promise: Promise<unknown>): Promise<string> {
  const thrown: unknown = await promise.catch((error: unknown) => error);
  if (!(thrown instanceof AquiferError)) throw new Error("expected an AquiferError", { cause: thrown });
  return describeError(thrown);
}

test.each([
  ["MC1125_AB_Sunter.csv", `${mc}1;350960217;9;;1;2\n`, "pam/mc", "2025-11-01", "name: 1125"],
  ["MC 31-10-2025.csv", `${mc}1;350960217;9;;1;2\n`, "pam/mc", "2025-11-01", "name +1 month: 31-10-2025"],
  [
    "MC1125.csv",
    `x\n\n${mc}1;350960217;9;31-12-25;1;2\n`,
    "pam/mc",
    "2026-01-01",
    "tgl_catat +1 month: 1 of 1 rows",
  ],
  [
    "Data MC.csv",
    `${mc}1;350960217;9;45962.0;1;2\n`,
    "pam/mc",
    "2025-12-01",
    "tgl_catat +1 month: 1 of 1 rows",
  ],
  ["MASTER 202511.csv", `${mc}1;350960217;9;;1;2\n`, "pam/mc", "2025-11-01", "name: 202511"],
  ["MB_1125.csv", `${mb}1,112025,5/10/2025,3\n`, "pam/mb", "2025-11-01", "tgl_bayar +1 month: 1 of 1 rows"],
  ["MC_MB_nop_25.csv", `${mb}1,,,3\n`, "pam/mb", "2025-11-01", "name: nop_25"],
  ["MB_1125.csv", `${mb}1,122025,,3\n`, "pam/mb", "2025-12-01", "bulan_rek: 1 of 1 rows"],
  [
    "Book1.csv",
    "cmr_account,cmr_prev_read,cmr_reading,cmr_rd_date\n1,2,3,1112025\n",
    "pam/sbrs",
    "2025-11-01",
    "cmr_rd_date: 1 of 1 rows",
  ],
  [
    "SBRS.csv",
    "cmr_account,cmr_prev_read,cmr_reading,Bill_Period\n1,2,3,202511\n",
    "pam/sbrs",
    "2025-11-01",
    "bill_period: 1 of 1 rows",
  ],
  ["DEBT_ags2025.csv", "NOMEN,RAYON,SumOfJUMLAH\n1,34,5\n", "pam/ardebt", "2025-08-01", "name: ags2025"],
  [
    "Book2.csv",
    "NOMEN|AMT_COLLECT|PAY_DT|TGL_BAYAR|NOMINAL\n1|-5|2025-12-01||\n",
    "pam/collection",
    "2025-12-01",
    "pay_dt: 1 of 1 rows",
  ],
  [
    "MainBill-12-12-2025_sd_13-12-2025-13122025043303.txt",
    "NOMEN;TOTAL_TAGIHAN;FREEZE_DT\n1;1.234,50;\n",
    "pam/mainbill",
    "2025-12-01",
    "name: 12-12-2025",
  ],
])("%s is a file of its source and period: %#", async (name, content, source, period, rule) => {
  const project = await ingestProject(all, { [`raw/pam/${name}`]: content });
  const { files } = await project.ingest();
  expect(files).toMatchObject([{ source, period, periodRule: rule, rows: 1 }]);
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

test("what a name tells are columns; a copy of a file is skipped, the same content of another city is not", async () => {
  const text = "package_name,price,validity\nX,1,2\n";
  const project = await ingestProject([catalogue, correction], {
    "raw/telco/Indosat_Lombok_less3_jaksel3_20260102.csv": text,
    "raw/telco/Indosat_Lombok_less3_jaksel3_20260102 (1).csv": text,
    "raw/telco/Indosat_Bali_more3_20260102_jaksel3.csv": text,
    "raw/telco/Tri_Solo_any_2020260103_x1.csv": text,
  });
  const { files } = await project.ingest();
  expect(files.filter(({ action }) => action === "skip")).toHaveLength(1);
  expect(
    await project.rows(
      "select _operator, _city, _length_of_stay, _period::text from bronze.telco_catalogue order by 1, 2",
    ),
  ).toEqual([
    ["Indosat", "Bali", "more3", "2026-01-02"],
    ["Indosat", "Lombok", "less3", "2026-01-02"],
    ["Tri", "Solo", null, "2026-01-03"],
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
