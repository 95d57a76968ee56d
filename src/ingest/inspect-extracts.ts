import { createHash } from "node:crypto";
import { AquiferError, AquiferErrors } from "../base/errors.js";
import { formatRelation, type RelationName } from "../base/identifiers.js";
import { nearestName } from "../base/nearest-name.js";
import type { CurrentExtract, ExtractDialect } from "../history/ingest-records.js";
import type { DatabaseOrigin } from "../project/database-source.js";
import type { PeriodGrain } from "../project/period-rule.js";
import type { Source } from "../project/source.js";
import {
  boundaryQuery,
  contentQuery,
  cursorProblem,
  extractColumns,
  periodTypeQuery,
  rangeCondition,
  type ExtractColumn,
  type ExtractRange,
} from "./extract-sql.js";
import { truncatePeriod } from "./file-period.js";
import { extractFeed } from "./load-extract.js";
import { matchHeader, type HeaderMatch } from "./match-header.js";
import type { InspectedFile } from "./plan-file.js";
import { sourceError, type SourceSnapshot } from "./source-snapshot.js";
import { nothingProven } from "./value-proof.js";

export interface ExtractOptions {
  /** `--period`, checked: only that one of the sources that are extracted by period. */
  readonly period: string | undefined;
  /** Ask all that was extracted before again. */
  readonly force: boolean;
  /** What is loaded now. */
  readonly current: readonly CurrentExtract[];
}

/** A source that reads a database. */
export type DatabaseSource = Source & { readonly database: DatabaseOrigin };

/** A relation as it is found in a snapshot. */
interface FoundRelation {
  readonly source: DatabaseSource;
  readonly snapshot: SourceSnapshot;
  readonly header: HeaderMatch;
  readonly columns: readonly ExtractColumn[];
  readonly types: Readonly<Record<string, string>>;
  /** What changed at the source since the last extract. */
  readonly retyped: readonly string[];
}

/** A range with what it holds. */
interface Content {
  readonly rows: number;
  readonly bytes: number;
  readonly hash: string;
}

/**
 * What there is to extract of each source, counted and hashed by the server that holds it.
 *
 * @param snapshots by connection; sources whose connection has none are left out
 * @throws AquiferError with all sources that cannot be extracted, not only the first
 */
export async function inspectExtracts(
  sources: readonly DatabaseSource[],
  snapshots: ReadonlyMap<string, SourceSnapshot>,
  options: ExtractOptions,
): Promise<InspectedFile[]> {
  const errors: AquiferError[] = [];
  const inspected: InspectedFile[] = [];
  for (const source of sources) {
    const snapshot = snapshots.get(source.database.connection);
    if (!snapshot) continue;
    try {
      inspected.push(...(await inspectSource(source, snapshot, options)));
    } catch (thrown) {
      const error = sourceError(thrown, snapshot, formatRelation(source.database.relation));
      if (!(error instanceof AquiferError)) throw error;
      errors.push(error);
      // Its transaction is over; what else it holds cannot be asked.
      if (thrown !== error) break;
    }
  }
  const [only] = errors;
  if (errors.length === 1 && only) throw only;
  if (errors.length > 1) {
    throw new AquiferErrors(`${errors.length} sources cannot be extracted; nothing was changed`, errors, {
      code: "bad-extracts",
    });
  }
  return inspected;
}

async function inspectSource(
  source: DatabaseSource,
  snapshot: SourceSnapshot,
  options: ExtractOptions,
): Promise<InspectedFile[]> {
  const current = options.current.filter((each) => each.source === source.name);
  const found = await findRelation(source, snapshot, current.at(-1)?.dialect);
  const { cursor } = source.database;
  if (cursor) return byCursor(found, cursor.column, current, options.force);
  const rule = source.period;
  if (rule?.fromSql !== undefined)
    return byPeriod(found, { grain: rule.grain, sql: rule.fromSql }, current, options.period);
  const [content = noContent] = (await contents(found, { kind: "all" })).values();
  return [extract(found, { range: { kind: "all" }, content, slot: "snapshot", suffix: "" })];
}

async function findRelation(
  source: DatabaseSource,
  snapshot: SourceSnapshot,
  last: ExtractDialect | undefined,
): Promise<FoundRelation> {
  const { relation } = source.database;
  const { rows } = await snapshot.session.query<{ name: string; type: string; basic: string }>(
    `select attname as name, format_type(atttypid, atttypmod) as type
     from pg_attribute
     where attrelid = (
         select pg_class.oid from pg_class join pg_namespace on pg_namespace.oid = relnamespace
         where nspname = $1 and relname = $2 and relkind in ('r', 'p', 'v', 'm', 'f'))
       and attnum > 0 and not attisdropped
     order by attnum`,
    [relation.schema, relation.name],
  );
  if (rows.length === 0) throw await unknownRelation(source, snapshot);
  const header = matchHeader(
    source,
    rows.map(({ name }) => name),
  );
  const what = `${formatRelation(relation)} of ${snapshot.connection}`;
  if (header.missing.length > 0) {
    throw new AquiferError(`${what} lacks ${header.missing.join(", ")}`, {
      code: "wrong-columns",
      details: [`it has ${rows.map(({ name }) => name).join(", ")}`],
      hint: `Name the column there as header, or make it optional in ${source.name}.`,
    });
  }
  const types = Object.fromEntries(header.columns.map((name, index) => [name, rows[index]?.type ?? ""]));
  const retyped = Object.entries(types).flatMap(([name, type]) => {
    const before = last?.types[name];
    return before === undefined || before === type ? [] : [`${name} was ${before}, is ${type}`];
  });
  const drift = [...header.added.map((name) => `not declared: ${name}`), ...retyped];
  if (source.drift === "freeze" && drift.length > 0) {
    throw new AquiferError(`${what} has changed, and ${source.name} is frozen`, {
      code: "schema-drift",
      details: drift,
      hint: "Declare the columns, or let the source's drift be `evolve`.",
    });
  }
  return { source, snapshot, header, columns: extractColumns(source, header), types, retyped };
}

async function unknownRelation(
  source: DatabaseSource,
  { connection, database, session }: SourceSnapshot,
): Promise<AquiferError> {
  const { relation } = source.database;
  const { rows } = await session.query<{ name: string }>(
    `select format('%s.%s', nspname, relname) as name
     from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where relkind in ('r', 'p', 'v', 'm', 'f') and nspname not in ('pg_catalog', 'information_schema')`,
  );
  const near = nearestName(
    formatRelation(relation),
    rows.map(({ name }) => name),
  );
  const { host, port, database: name } = database.target;
  return new AquiferError(
    `The database of ${connection} (${host}:${port}/${name}) has no relation ${formatRelation(relation)}`,
    {
      code: "unknown-relation",
      hint: near === undefined ? `${source.name} reads it; correct the name.` : `Did you mean ${near}?`,
    },
  );
}

const noContent: Content = { rows: 0, bytes: 0, hash: "0" };

/** What a range holds, by period; one entry without a period. */
async function contents(
  { source, snapshot, columns }: FoundRelation,
  range: ExtractRange,
  period?: { readonly grain: PeriodGrain; readonly sql: string },
): Promise<Map<string | undefined, Content>> {
  const query = contentQuery(source.database.relation, columns, rangeCondition(range), period);
  const { rows } = await snapshot.session.query<{
    start: string | null;
    rows: string;
    bytes: string;
    hash: string;
  }>(query);
  return new Map(
    rows.map(({ start, rows: count, bytes, hash }) => [
      start ?? undefined,
      { rows: Number(count), bytes: Number(bytes), hash },
    ]),
  );
}

async function byPeriod(
  found: FoundRelation,
  rule: { readonly grain: PeriodGrain; readonly sql: string },
  current: readonly CurrentExtract[],
  given: string | undefined,
): Promise<InspectedFile[]> {
  const { source, snapshot } = found;
  const asked = await snapshot.session.query<{ type: string }>(
    periodTypeQuery(source.database.relation, rule.sql),
  );
  const type = asked.rows[0]?.type ?? "";
  if (type !== "date" && !type.startsWith("timestamp")) {
    throw new AquiferError(`Source ${source.name}: period.fromSql is of type ${type}`, {
      code: "bad-period",
      details: [rule.sql],
      hint: "Let it give a date or a time stamp, such as make_date(year, month, 1).",
    });
  }
  const made = (start: string | undefined, content: Content): InspectedFile =>
    extract(found, {
      range: { kind: "period", ...rule, start },
      content,
      slot: periodSlot(start),
      suffix: start === undefined ? " without a period" : ` ${shownPeriod(rule.grain, start)}`,
      ...(start === undefined ? {} : { period: { start, rule: rule.sql } }),
    });
  if (given !== undefined) {
    const start = truncatePeriod(given, rule.grain);
    const [content = noContent] = (await contents(found, { kind: "period", ...rule, start })).values();
    return [made(start, content)];
  }
  const present = await contents(found, { kind: "all" }, rule);
  const slots = new Set([...present.keys()].map(periodSlot));
  const gone = current.filter(({ slot, rows }) => !slots.has(slot) && rows !== "0");
  return [
    ...[...present].map(([start, content]) => made(start, content)),
    ...gone.map((each) => ({
      ...made(each.period, { rows: Number(each.rows), bytes: each.bytes, hash: "0" }),
      decided: { action: "skip", reason: "kept: gone at the source; --period replaces it" } as const,
    })),
  ];
}

async function byCursor(
  found: FoundRelation,
  spelling: string,
  current: readonly CurrentExtract[],
  force: boolean,
): Promise<InspectedFile[]> {
  const { source, snapshot, header } = found;
  const place = header.cells.indexOf(spelling);
  const name = header.columns[place === -1 ? header.columns.indexOf(spelling) : place];
  const column = header.cells[header.columns.indexOf(name ?? "")];
  const fail = (problem: string, hint: string): AquiferError =>
    new AquiferError(`Source ${source.name}: cursor ${spelling}: ${problem}`, { code: "bad-cursor", hint });
  if (column === undefined)
    throw fail(
      `${formatRelation(source.database.relation)} has no such column`,
      `It has ${header.cells.join(", ")}.`,
    );
  const { rows: types } = await snapshot.session.query<{ type: string }>(
    `select format_type(atttypid, null) as type from pg_attribute
     where attrelid = (
         select pg_class.oid from pg_class join pg_namespace on pg_namespace.oid = relnamespace
         where nspname = $1 and relname = $2)
       and attname = $3`,
    [source.database.relation.schema, source.database.relation.name, column],
  );
  const type = types[0]?.type ?? "";
  const { lag } = source.database.cursor ?? {};
  const problem = cursorProblem(type, lag);
  if (problem !== undefined) throw fail(problem, "Choose another column, or extract by period.");
  if (current.some(({ dialect }) => dialect.cursor !== column))
    throw fail(
      `was ${current[0]?.dialect.cursor ?? "none"} when rows were loaded`,
      "Boundaries of one column say nothing of another: give the source another table.",
    );
  const last = current.find(({ slot }) => slot === openSlot)?.dialect.from;
  const { rows } = await snapshot.session.query<{ boundary: string | null }>(
    boundaryQuery(source.database.relation, { column, type, lag }, last),
  );
  const boundary = rows[0]?.boundary ?? last;
  const made = async (from: string | undefined, to: string | undefined): Promise<InspectedFile> => {
    const range: ExtractRange = { kind: "cursor", column, type, from, to };
    const [content = noContent] = (await contents(found, range)).values();
    const words = [
      ...(from === undefined ? [] : [`from ${from}`]),
      ...(to === undefined ? [] : [`before ${to}`]),
    ];
    return extract(found, {
      range,
      content,
      slot: to === undefined ? openSlot : `cursor from ${from ?? "the first"}`,
      suffix: ` ${column} ${words.join(" ") || "of any value"}`,
    });
  };
  const settled = force ? current.filter(({ slot }) => slot !== openSlot) : [];
  const again = [];
  for (const { dialect } of settled) again.push(await made(dialect.from, dialect.to));
  const newly = boundary === last ? [] : [await made(last, boundary)];
  return [
    ...again,
    ...newly.filter(({ inspection }) => inspection.rows > 0),
    await made(boundary, undefined),
  ];
}

/** Of the range that every extract takes again. */
const openSlot = "cursor open";

function periodSlot(start: string | undefined): string {
  return `period ${start ?? "none"}`;
}

function shownPeriod(grain: PeriodGrain, start: string): string {
  return grain === "day" ? start : grain === "month" ? start.slice(0, -3) : start.slice(0, -6);
}

interface ExtractParts {
  readonly range: ExtractRange;
  readonly content: Content;
  readonly slot: string;
  /** After the relation's name: which part of it this is. */
  readonly suffix: string;
  readonly period?: { readonly start: string; readonly rule: string };
}

function extract(
  found: FoundRelation,
  { range, content, slot, suffix, period }: ExtractParts,
): InspectedFile {
  const { source, snapshot, header, columns, types, retyped } = found;
  const { connection, relation } = source.database;
  const dialect: ExtractDialect = {
    connection,
    relation: formatRelation(relation),
    types,
    ...(range.kind === "cursor" ? { cursor: range.column } : {}),
    ...(range.kind === "cursor" && range.from !== undefined ? { from: range.from } : {}),
    ...(range.kind === "cursor" && range.to !== undefined ? { to: range.to } : {}),
  };
  return {
    file: {
      folder: connection,
      path: `${formatRelation(relation)}${suffix}`,
      matchPath: formatRelation(relation),
      packing: undefined,
      fullPath: "",
      bytes: content.bytes,
      bytesOnDisk: content.bytes,
      modifiedAt: snapshot.takenAt,
    },
    source,
    shape: { format: "delimited", delimiter: 9, crOnly: false, headerLine: 0, header },
    explanation: explain(found, relation, retyped),
    start: { encoding: undefined, skip: 0 },
    inspection: {
      hash: contentHash(columns, slot, dialect, content),
      bytes: content.bytes,
      encoding: "utf-8",
      encodingEvidence: undefined,
      rows: content.rows,
      footerRows: 0,
      rejected: 0,
      firstRejects: [],
      irregular: 0,
      keys: [],
      periods: [],
      nulBytes: 0,
      checkpoints: [],
      verbatim: undefined,
      proven: nothingProven,
    },
    period,
    nameParts: {},
    slot,
    feed: extractFeed({
      snapshot,
      source,
      relation,
      columns,
      condition: rangeCondition(range),
      rows: content.rows,
      dialect,
    }),
  };
}

function explain(
  { snapshot, header }: FoundRelation,
  relation: RelationName,
  retyped: readonly string[],
): string {
  const { host, port, database } = snapshot.database.target;
  return [
    `${formatRelation(relation)} in ${host}:${port}/${database}, snapshot ${snapshot.id}`,
    `${header.found.length} declared columns, ${header.added.length} others`,
    ...retyped,
  ].join("; ");
}

/** Of the rows' text, whatever their order, and of what else the stored rows depend on. */
function contentHash(
  columns: readonly ExtractColumn[],
  slot: string,
  { from }: ExtractDialect,
  { rows, hash }: Content,
): string {
  const parts = [columns.map(({ name }) => name), slot, from ?? null, rows, hash];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
