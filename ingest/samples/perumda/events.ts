import { drawer, mixed } from "../parts/draws.js";
import type { Row } from "./bills.js";
import { daysIn, isoDay, isoTime, monthStart } from "./calendar.js";
import { customerCode, type City } from "./city.js";

const dayMs = 86_400_000;
const topics = { disconnection: 35, complaint: 36, connection: 37 };

/** Types as people write them; some are blank. */
const complaintTypes = [
  "Air Mati",
  "Pipa Bocor",
  "AIR KERUH",
  "Meter Rusak",
  "Tagihan Tinggi",
  "air mati",
  null,
  " ",
];
/** Complaints a month, in 1/1,000 of the customers. */
const complaintShare = 4;
const leastComplaints = 8;
/** Fee of a new connection, IDR. */
const connectionFee = 1_250_000;

/** Everything in the life of a city's customers that is no bill, by the end of month `until`. */
export class CityEvents {
  private readonly draws: Readonly<Record<keyof typeof topics, (thing: number, time?: number) => number>>;

  constructor(
    seed: number,
    private readonly city: City,
    private readonly until: number,
  ) {
    this.draws = {
      disconnection: drawer(seed, topics.disconnection),
      complaint: drawer(seed, topics.complaint),
      connection: drawer(seed, topics.connection),
    };
  }

  /** Disconnections of a customer: done or not, reopened or not. */
  *pemutusan(number: number): Generator<Row> {
    for (const { month, isDone, reopened } of this.city.disconnections(number, this.until)) {
      const draw = this.draws.disconnection(number, month);
      yield [
        customerCode(number),
        isoDay(dayOf(month, draw)),
        isDone ? "Y" : "T",
        reopened === undefined ? null : isoDay(dayOf(reopened, draw >>> 8)),
      ];
    }
  }

  /** Complaints of a month. One in nine customers complains of something else the same day, one in nine rows is there twice. */
  *pengaduan(month: number): Generator<Row> {
    const count = Math.max(leastComplaints, Math.floor((this.city.everBy(month) * complaintShare) / 1000));
    for (let index = 0; index < count; index++) {
      const draw = this.draws.complaint(index, month);
      const at = dayOf(month, draw) + ((draw >>> 6) % 1440) * 60_000;
      const code = customerCode(1 + (mixed(draw) % this.city.everBy(month)));
      const settled = at + (2 + ((draw >>> 12) % 240)) * 3_600_000;
      const isSettled = (draw >>> 21) % 7 !== 0 && settled < monthStart(this.until + 1);
      const type = (offset: number): string | null =>
        complaintTypes[((draw >>> 17) + offset) % complaintTypes.length] ?? null;
      const row = (kind: string | null): Row => [
        code,
        isoTime(at),
        kind,
        isSettled ? isoTime(settled) : null,
      ];
      yield row(type(0));
      if (index % 9 === 1) yield row(type(1));
      if (index % 9 === 2) yield row(type(0));
    }
  }

  /** Registrations of a month: of those who became customers, and of some who did not; the last two are flawed. */
  *sbbaru(month: number): Generator<Row> {
    const [from, to] = [this.city.everBy(month - 1), this.city.everBy(month)];
    for (let number = from + 1; month > 0 && number <= to; number++) {
      const { region } = this.city.at(number, month);
      yield [
        `${region}REG${String(number).padStart(6, "0")}`,
        this.registered(number, month),
        String(connectionFee),
        "Y",
      ];
    }
    const others = 2 + Math.floor((to - from) / 4);
    for (let index = 0; index < others; index++) {
      const draw = this.draws.connection(index, month);
      const region = (["PS", "SN", "UT"] as const)[draw % 3] ?? "PS";
      const number = String(900_000 - month * 100 - index).padStart(6, "0");
      const day = this.registered(-1 - index, month);
      if (index === others - 1) yield [`${region}${number}`, day, String(connectionFee), "Y"];
      else if (index === others - 2) yield [`${region}REG${number}`, day, "0", " "];
      else yield [`${region}REG${number}`, day, "0", "T"];
    }
  }

  private registered(thing: number, month: number): string {
    return isoDay(dayOf(month, this.draws.connection(thing, month) >>> 4));
  }
}

function dayOf(month: number, draw: number): number {
  return monthStart(month) + (draw % daysIn(month)) * dayMs;
}
