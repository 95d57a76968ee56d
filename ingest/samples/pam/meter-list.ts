import type { SampleCell } from "aquifer";
import type { Calendar } from "../parts/calendar.js";
import { dayMs, isoDay } from "../parts/calendar.js";
import { monthParts, nothing } from "./spelling.js";
import type { Readings } from "./readings.js";
import { mostSheetRows, oldEnding, type PamTable } from "./table.js";

const header = [
  "cmr_account",
  "cmr_name",
  "cmr_address",
  "cmr_route",
  "cmr_prev_read",
  "cmr_reading",
  "SB_Stand",
  "cmr_skip_code",
  "cmr_trbl1_code",
  "cmr_chg_spcl_msg",
  "Tariff",
  "Bill_Period",
  "Bill_Amount",
  "Read_Method",
  "cmr_mtr_num",
  "cmr_rd_date",
];

/** The meters read in a month (SBRS): as text, .xls with its header on row 5, and .xlsx, in turns. */
export function sbrsTable(calendar: Calendar, readings: Readings, month: number): PamTable {
  const { customers } = readings;
  const { year, month: mm, english } = monthParts(calendar.start(month));
  const form = customers.everBy(month) <= mostSheetRows ? month % 3 : 0;
  const isSheet = form > 0;
  const titles = form === 1 ? ["PAM JAYA", "SBRS", "Sunter", `${english} ${year}`] : [];
  return {
    path: `SBRS_Sunter_${english}${year}.${["csv", oldEnding(customers.everBy(month)), "xlsx"][form] ?? "csv"}`,
    source: "sbrs",
    columns: header.map((name) => name.toLowerCase()),
    header,
    layout: isSheet ? { kind: "sheet", titles } : { kind: "text", delimiter: ",", hasRagged: true },
    rows: function* () {
      for (let number = 1; number <= customers.everBy(month); number++) {
        yield row(number);
      }
    },
  };

  function row(number: number): SampleCell[] {
    const { nomen, name, address, route, tariff, meter } = customers.at(number);
    const reading = readings.at(number, month);
    const bits = customers.bits(number);
    const [, , day = ""] = isoDay(calendar.start(month) + (reading.day - 1) * dayMs).split("-");
    const readOn = `${day}${mm}${year}`;
    return [
      isSheet ? Number(nomen) : nomen,
      name,
      address.join(", "),
      route,
      reading.opening,
      reading.closing,
      reading.usage,
      reading.skipCode ?? nothing(bits),
      reading.troubleCode ?? nothing(bits >>> 4),
      reading.message ?? null,
      tariff,
      `${year}${mm}`,
      reading.amount,
      reading.method,
      meter,
      // A number in a sheet loses the zero of the first nine days.
      isSheet ? Number(readOn) : readOn,
    ];
  }
}
