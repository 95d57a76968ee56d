import { dayMs, daysIn, isoTime, monthName, monthStart, slashedDay } from "./calendar.js";
import { customerId, topics, type Customers } from "./customers.js";
import { drawer, flawOf, mixed } from "../parts/draws.js";

interface TicketEvent {
  readonly at: string;
  readonly type: string;
  readonly note: string | null;
}

/** A service request as a file shows it. */
export interface Ticket {
  readonly ticket_id: string;
  readonly customer_id: string;
  readonly opened_at: string;
  readonly resolved_at: string | null;
  readonly category: string;
  readonly priority: string;
  readonly status: string;
  readonly satisfaction: number | string | null;
  readonly events: readonly TicketEvent[];
}

export const ticketFlaws = [
  "duplicate",
  "unknownCustomer",
  "textSatisfaction",
  "satisfactionOutOfRange",
  "resolvedBeforeOpened",
  "blankCategory",
  "slashedDate",
] as const;
/** One line in so many is `broken`: cut off, which ingest rejects. */
const linesPerBroken = 200;
export type TicketFlaw = (typeof ticketFlaws)[number] | "broken";

/** Tickets a month, in 1/1,000 of the customers. */
const share = 40;
const leastTickets = 60;
const categories = [
  "outage",
  "billing",
  "complaint",
  "meter",
  "complaint",
  "billing",
  "new_connection",
  "move",
];
const priorities = ["low", "normal", "normal", "normal", "high", "urgent"];
/** Hours from opening to each step of the work. */
const steps: readonly (readonly [type: string, mostHours: number])[] = [
  ["assigned", 8],
  ["dispatched", 30],
  ["on_site", 12],
  ["resolved", 200],
];
const notes = ["crew 7", "called back", "meter “M-4” read", "façade locked", "nobody home\nleft a card"];

/** The service requests of one seed, each written by the month it was opened in and, resolved later, once more. */
export class Tickets {
  private readonly draw: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    private readonly customers: Customers,
  ) {
    this.draw = drawer(seed, topics.ticket);
  }

  /** How many are opened in a month. */
  count(): number {
    return Math.max(leastTickets, Math.floor((this.customers.atStart * share) / 1000));
  }

  /**
   * A ticket as it stood at the end of a month; undefined when it has not been touched in that month.
   *
   * @param opened the month it was opened in: this one or the one before
   */
  at(index: number, opened: number, month: number): Ticket | undefined {
    const bits = this.draw(index, opened);
    const openedAt = monthStart(opened) + (mixed(bits) % (daysIn(opened) * 1440)) * 60_000;
    const [from, until] = [monthStart(month), monthStart(month + 1)];
    const needsVisit = bits % 3 !== 0;
    const events: TicketEvent[] = [{ at: isoTime(openedAt), type: "opened", note: null }];
    let [last, time, resolvedAt] = [openedAt, openedAt, 0];
    for (const [place, [type, mostHours]] of steps.entries()) {
      const chance = mixed(bits ^ (place + 1));
      time += (1 + (chance % (mostHours * 60))) * 60_000;
      if (time >= until) break;
      if (!needsVisit && (type === "dispatched" || type === "on_site")) continue;
      last = time;
      if (type === "resolved") resolvedAt = time;
      events.push({
        at: isoTime(time),
        type,
        note: chance % 5 === 0 ? (notes[(chance >>> 8) % notes.length] ?? "") : null,
      });
    }
    if (last < from) return undefined;
    const rating = (bits >>> 8) % 10;
    return {
      ticket_id: `T${monthName(opened)}-${String(index + 1).padStart(6, "0")}`,
      customer_id: customerId(1 + ((bits >>> 4) % this.customers.everBy(opened))),
      opened_at: isoTime(openedAt),
      resolved_at: resolvedAt === 0 ? null : isoTime(resolvedAt),
      category: categories[(bits >>> 12) % categories.length] ?? "",
      priority: priorities[(bits >>> 16) % priorities.length] ?? "",
      status:
        resolvedAt > 0
          ? resolvedAt + 3 * dayMs < until
            ? "closed"
            : "resolved"
          : events.length > 1
            ? "in_progress"
            : "open",
      satisfaction:
        resolvedAt === 0 || rating > 6
          ? null
          : rating < 1
            ? 1
            : rating < 2
              ? 2
              : rating < 3
                ? 3
                : rating < 5
                  ? 4
                  : 5,
      events,
    };
  }

  /** Of a ticket as it was first written. */
  flaw(index: number): TicketFlaw | undefined {
    if (index % linesPerBroken === leastTickets / 2) return "broken";
    return flawOf(ticketFlaws, index, this.count());
  }
}

/** A ticket's line in a file, without the line end. */
export function ticketLine(ticket: Ticket, flaw: TicketFlaw | undefined): string {
  const line = JSON.stringify({ ...ticket, ...changed(ticket, flaw) });
  return flaw === "broken" ? line.slice(0, line.indexOf('"events"')) : line;
}

function changed(ticket: Ticket, flaw: TicketFlaw | undefined): Partial<Ticket> {
  const opened = Date.parse(ticket.opened_at);
  switch (flaw) {
    case "unknownCustomer":
      return { customer_id: ticket.customer_id.replace("C", "X") };
    case "textSatisfaction":
      return { satisfaction: "very good" };
    case "satisfactionOutOfRange":
      return { satisfaction: 9 };
    case "resolvedBeforeOpened":
      return { resolved_at: isoTime(opened - dayMs) };
    case "blankCategory":
      return { category: " " };
    case "slashedDate":
      return { opened_at: `${slashedDay(opened)} ${ticket.opened_at.slice(11, 16)}` };
    default:
      return {};
  }
}
