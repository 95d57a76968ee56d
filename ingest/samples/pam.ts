import { defineSample, type SampleItem, type SampleRequest } from "aquifer";
import { Analyses, analysisColumns } from "./pam/analyses.js";
import { PamBills } from "./pam/bills.js";
import { collectionTable } from "./pam/collection.js";
import { PamCustomers } from "./pam/customers.js";
import { ardebtTable, mainbillTable, mbTable, mcTables } from "./pam/lists.js";
import { sbrsTable } from "./pam/meter-list.js";
import { Readings } from "./pam/readings.js";
import { monthParts } from "./pam/spelling.js";
import { written, type PamTable } from "./pam/table.js";
import { Calendar } from "./parts/calendar.js";
import { csvLine } from "./parts/csv-line.js";

export const pamCalendar = new Calendar(2025, 11);

/** The month whose final bill run never came. */
export const missingMainbill = 1;

/** Six lists of an area office month by month, each in the forms it comes in, and the follow-up of its anomalies. */
export const pam = defineSample({
  name: "pam",
  description: "Billed lists, payments, meter readings, arrears and follow-up items of two rayons.",
  defaults: { customers: 400, months: 4 },
  *files(request: SampleRequest): Generator<SampleItem> {
    const bills = pamBills(request);
    const analyses = new Analyses(request.seed, bills);
    for (let month = 0; month < request.months; month++) {
      for (const table of pamTables(bills, month)) yield written(table);
      const { year, month: mm } = monthParts(pamCalendar.start(month));
      yield { path: `analisa_${year}-${mm}.csv`, content: analysisLines(analyses, month) };
    }
    if (request.broken === true) yield* brokenFiles();
  },
});

export function pamBills({ customers, seed }: Pick<SampleRequest, "customers" | "seed">): PamBills {
  return new PamBills(seed, pamCalendar, new Readings(seed, new PamCustomers(seed, customers)));
}

/** All lists of a month. */
export function* pamTables(bills: PamBills, month: number): Generator<PamTable> {
  yield* mcTables(bills, month);
  yield mbTable(bills, month);
  yield sbrsTable(pamCalendar, bills.readings, month);
  yield ardebtTable(bills, month);
  if (month !== missingMainbill) yield mainbillTable(bills, month);
  for (const day of pamCalendar.days(month)) yield collectionTable(bills, month, day);
}

function* analysisLines(analyses: Analyses, month: number): Generator<string> {
  yield csvLine(analysisColumns, ",");
  for (const row of analyses.rows(month)) yield csvLine(row, ",");
}

function* brokenFiles(): Generator<SampleItem> {
  yield { path: "MC1025_AB_Sunter.csv", content: [] };
  yield { path: "MB_1025.csv", content: ["NOMEN;ZONA_NOVAK;NOTAGIHAN;KUBIK;NOMINAL\n1;350960217;2;3;4\n"] };
  const item = "A-1,60000001,zero,,done,low,,2025-10-31,,ratna,2025-10-20 09:00:00\n";
  yield { path: "analisa_2025-10.csv", content: [csvLine(analysisColumns, ","), item] };
}
