import { expect, test } from "vitest";
import { periodStart } from "../../src/ingest/file-period.js";
import { dateExpression } from "../../src/project/date-form.js";

function read(form: string, text: string): string | undefined {
  const groups = dateExpression(form)?.exec(text)?.groups;
  return groups && periodStart("day", groups, 0);
}

test.each([
  ["YYYYMM", "MC 202511.xls", "2025-11-01"],
  ["YYYYMM", "x20251130.xls", undefined],
  ["YYYYMM", "x112511.xls", undefined],
  ["MMYY", "MC1125_AB", "2025-11-01"],
  ["MMYY", "MC1325_AB", undefined],
  ["MMYY", "02122025042156", undefined],
  ["YYYY-MM", "a_2025.11_b", "2025-11-01"],
  ["YYYY-M-D", "2025-1-9 10:00", "2025-01-09"],
  ["D-M-Y", "1/12/25", "2025-12-01"],
  ["D-M-Y", "31.10.2025", "2025-10-31"],
  ["D-M-Y", "31-02-2025", undefined],
  ["DMMYYYY", "1112025", "2025-11-01"],
  ["DMMYYYY", "11112025", "2025-11-11"],
  ["MMYYYY", "112025", "2025-11-01"],
  ["MON Y", "MC VOL OKT 25_NOMEN", "2025-10-01"],
  ["MON Y", "Nov/2025", "2025-11-01"],
  ["MON Y", "Agustus2025", "2025-08-01"],
  ["MON Y", "Summar 25", undefined],
  ["MON Y", "MainBill-12", undefined],
  ["SERIAL", "45962.0", "2025-11-01"],
])("%s in %s is %s", (form, text, date) => {
  expect(read(form, text)).toBe(date);
});

test.each([
  "jan",
  "peb",
  "feb",
  "mar",
  "apr",
  "mei",
  "may",
  "jun",
  "jul",
  "ags",
  "agu",
  "aug",
  "sep",
  "okt",
  "oct",
  "nop",
  "nov",
  "des",
  "dec",
])("the month %s is known", (name) => {
  expect(read("MON Y", `MB_${name}_25`)).toBe(read("MON Y", `MB ${name.toUpperCase()} 2025`));
  expect(read("MON Y", `MB_${name}_25`)).toMatch(/^2025-\d\d-01$/);
});

test("a form with a letter that is no token is none", () => {
  expect(dateExpression("YYYYMMX")).toBeUndefined();
  expect(dateExpression("")).toBeUndefined();
});
