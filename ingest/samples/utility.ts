import {
  defineSample,
  type SampleItem,
  type SampleRequest,
  type SampleSheet,
  type SampleTable,
} from "aquifer";
import { gzipSync } from "node:zlib";
import { csvLine } from "./parts/csv-line.js";
import { flawOf } from "./parts/draws.js";
import { billColumns, billRow, Bills } from "./utility/bills.js";
import { dayMs, daysIn, isoDay, monthName, monthStart } from "./utility/calendar.js";
import { Customers, snapshotColumns, snapshotFlaws, snapshotRow } from "./utility/customers.js";
import { outageColumns, Outages } from "./utility/outages.js";
import { Payments, paymentTypes } from "./utility/payments.js";
import { ticketLine, Tickets } from "./utility/tickets.js";
import { Usage } from "./utility/usage.js";

/** Six source systems, month by month; every month grows and changes what the one before had. */
export const utility = defineSample({
  name: "utility",
  description:
    "Customers, bills, meter readings, service requests, payments and outages of an electric utility.",
  defaults: { customers: 300, months: 2 },
  *files(request: SampleRequest): Generator<SampleItem> {
    const { customers: atStart, months, seed } = request;
    const customers = new Customers(seed, atStart);
    const usage = new Usage(seed, customers);
    const bills = new Bills(seed, customers, usage);
    const tickets = new Tickets(seed, customers);
    for (let month = 0; month < months; month++) {
      const name = monthName(month);
      yield {
        path: `customers/customers_${name}.csv`,
        content: encoded(snapshotLines(customers, month), month),
      };
      yield { path: `billing/billing_${name}.csv`, content: billLines(customers, bills, month) };
      yield { path: `service_requests/tickets_${name}.ndjson`, content: ticketLines(tickets, month) };
      yield* usageFiles(usage, month);
    }
    yield { path: "outages/outages.xlsx", sheets: outageSheets(new Outages(seed, customers), months) };
    if (request.broken === true) yield* brokenFiles();
  },
  *tables({ customers: atStart, months, seed }: SampleRequest): Generator<SampleTable> {
    const customers = new Customers(seed, atStart);
    const bills = new Bills(seed, customers, new Usage(seed, customers));
    const payments = new Payments(seed, customers);
    yield {
      connection: "utility",
      table: "billing.payment",
      columns: paymentTypes,
      content: paymentLines(customers, bills, payments, months),
    };
  },
});

/** From the second month on a column is named otherwise and one more is there; the second comes in Windows-1252. */
function* snapshotLines(customers: Customers, month: number): Generator<string> {
  const hasDrifted = month > 0;
  const header = hasDrifted
    ? [...snapshotColumns.map((name) => (name === "zip_code" ? "postal_code" : name)), "paperless_billing"]
    : snapshotColumns;
  yield csvLine(header, ",");
  for (let number = 1; number <= customers.everBy(month); number++) {
    const customer = customers.at(number, month);
    if (!customer) continue;
    const flaw = flawOf(snapshotFlaws, number + month * 17, customers.atStart);
    const row = snapshotRow(customer, flaw);
    const line = csvLine(hasDrifted ? [...row, number % 3 === 0 ? "yes" : "no"] : row, ",");
    yield line;
    if (flaw === "duplicate") yield line;
  }
}

function encoded(lines: Iterable<string>, month: number): Iterable<string | Uint8Array> {
  return month % 4 === 1 ? inLatin1(lines) : withMark(lines);
}

function* withMark(lines: Iterable<string>): Generator<string> {
  yield "\uFEFF";
  yield* lines;
}

/** All letters of the sample are the same bytes in Windows-1252 and in Latin-1. */
function* inLatin1(lines: Iterable<string>): Generator<Uint8Array> {
  for (const line of lines) yield Buffer.from(line, "latin1");
}

function* billLines(customers: Customers, bills: Bills, month: number): Generator<string> {
  yield csvLine(billColumns, ";");
  for (let number = 1; number <= customers.everBy(month); number++) {
    const flaw = bills.flaw(number, month);
    const bill = flaw === "late" ? undefined : bills.at(number, month);
    if (bill) yield csvLine(billRow(bill, flaw), ";");
    if (bill && flaw === "duplicate") yield csvLine(billRow(bill, flaw), ";");
    const late =
      month > 0 && bills.flaw(number, month - 1) === "late" ? bills.at(number, month - 1) : undefined;
    if (late) yield csvLine(billRow(late, undefined), ";");
  }
}

function* ticketLines(tickets: Tickets, month: number): Generator<string> {
  for (let index = 0; index < tickets.count(); index++) {
    const before = month === 0 ? undefined : tickets.at(index, month - 1, month);
    if (before) yield `${ticketLine(before, undefined)}\n`;
    const ticket = tickets.at(index, month, month);
    if (!ticket) continue;
    const flaw = tickets.flaw(index);
    yield `${ticketLine(ticket, flaw)}\n`;
    if (flaw === "duplicate") yield `${ticketLine(ticket, flaw)}\n`;
  }
}

/** The 5th comes once more, corrected; the 12th a week late; on the 15th usage is text. */
function* usageFiles(usage: Usage, month: number): Generator<SampleItem> {
  for (let index = 0; index < daysIn(month); index++) {
    const day = monthStart(month) + index * dayMs;
    const name = `usage_${isoDay(day)}`;
    const query = usage.query(month, day, index === 14);
    if (index === 4) {
      const wrong = `select * replace (usage_kwh * 10 as usage_kwh) from (${query})`;
      yield { path: `usage/${name}.parquet`, query: wrong };
      yield { path: `usage/${name}_resent.parquet`, query };
    } else if (index === 11) {
      yield { path: `usage/late/${name}_received_${isoDay(day + 7 * dayMs)}.parquet`, query };
    } else {
      yield { path: `usage/${name}.parquet`, query };
    }
  }
}

/** All months so far, a sheet a year, below the regulator's titles. */
function outageSheets(outages: Outages, months: number): SampleSheet[] {
  const years = new Map<string, number[]>();
  for (let month = 0; month < months; month++) {
    const year = monthName(month).slice(0, 4);
    years.set(year, [...(years.get(year) ?? []), month]);
  }
  return [...years].map(([year, ofYear]) => ({
    name: year,
    rows: [
      [`Reliability report ${year}`],
      ["Outages by feeder, times in UTC"],
      [],
      outageColumns,
      ...ofYear.flatMap((month) => outages.rows(month)),
    ],
  }));
}

function* paymentLines(
  customers: Customers,
  bills: Bills,
  payments: Payments,
  months: number,
): Generator<string> {
  for (let month = 0; month < months; month++) {
    for (let number = 1; number <= customers.everBy(month); number++) {
      const bill = bills.at(number, month);
      if (!bill) continue;
      for (const row of payments.of(bill)) yield csvLine(row, ",");
    }
  }
}

function* brokenFiles(): Generator<SampleItem> {
  const whole = gzipSync(Buffer.from(`${billColumns.join(";")}\n${"B;C;2025-12;;;;;\n".repeat(1000)}`));
  yield { path: "billing/billing_2025-12.csv.gz", content: [whole.subarray(0, whole.length - 20)] };
  yield { path: "customers/customers_2025-12.csv", content: [] };
}
