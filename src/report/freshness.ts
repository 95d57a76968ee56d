/// <reference lib="dom" />
import { formatRelation, quoteIdentifier, type RelationName } from "../base/identifiers.js";
import type { LocaleName } from "../project/report.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { element } from "./element.js";
import { formatValue } from "./format-value.js";
import { say } from "./words.js";

/** How old the figures of a page are. */
export interface Freshness {
  /** When the oldest of the relations was last built, or, where no run is on record, when the data was read. */
  readonly dataAt: Date;
  /** The newest run that built one of them. */
  readonly runId: string | null;
}

/** Asks history when the relations of a report were last built. Relations that no run of Aquifer built count for nothing. */
export async function readFreshness(
  warehouse: Queryable,
  relations: readonly RelationName[],
  historySchema: string,
  readAt: Date,
): Promise<Freshness> {
  const table = `${quoteIdentifier(historySchema)}.action_run`;
  const present = await warehouse.query<{ present: boolean }>(
    "select to_regclass($1) is not null as present",
    [table],
  );
  if (present.rows[0]?.present !== true) return { dataAt: readAt, runId: null };
  const answer = await warehouse.query<{ run_id: string; at: string }>(
    `select distinct on (action) run_id::text, to_json(finished_at at time zone 'UTC') #>> '{}' as at
     from ${table} where action = any($1) and status = 'successful'
     order by action, action_run_id desc`,
    [relations.map(formatRelation)],
  );
  const built = answer.rows.map(({ run_id, at }) => ({ runId: run_id, at: new Date(`${at}Z`) }));
  built.sort((a, b) => a.at.getTime() - b.at.getTime());
  const [oldest] = built;
  return oldest === undefined
    ? { dataAt: readAt, runId: null }
    : { dataAt: oldest.at, runId: built.at(-1)?.runId ?? null };
}

/** `Data as of 21 Nov 2026, 04:10 UTC · run 3f2a9c01 · Page built ...`. */
export function freshnessLine(
  document: Document,
  locale: LocaleName,
  freshness: Freshness,
  builtAt: Date,
): Element {
  const time = (date: Date): Element =>
    element(
      document,
      "time",
      { datetime: date.toISOString() },
      `${formatValue(locale, date, { as: "timestamp" })} UTC`,
    );
  return element(
    document,
    "p",
    { class: "stamp" },
    element(document, "span", {}, `${say(locale, "dataAt")} `, time(freshness.dataAt)),
    freshness.runId === null
      ? null
      : element(
          document,
          "span",
          {},
          `${say(locale, "run")} `,
          element(document, "code", { title: freshness.runId }, freshness.runId.slice(0, 8)),
        ),
    element(document, "span", {}, `${say(locale, "builtAt")} `, time(builtAt)),
  );
}
