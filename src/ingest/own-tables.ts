import { quoteIdentifier, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { Copying, Queryable } from "../warehouse/warehouse.js";
import { storeRelation, storeSchema } from "./bronze-tables.js";
import type { TextInspection } from "./inspect-text.js";
import { largeFile } from "./large-file.js";

/** The server counts them up before it hands out the first. */
const numbersAtOnce = 10_000;

/**
 * Whether a file has tables of its own, one for each stream, which become children of its source's store before it is
 * published. A table that is filled by the transaction that made it needs no lock and, where the server's
 * `wal_level` allows, no log; it can number its rows and know its file by itself; and it goes at once when nobody wants it.
 */
export function hasOwnTables({ bytes, rows }: Pick<TextInspection, "bytes" | "rows">): boolean {
  return bytes >= largeFile.bytes || rows >= largeFile.rows;
}

/** SQL: until the transaction ends, statistics are taken of fewer rows than otherwise: bronze is read as a whole. */
export const smallSample = "set local default_statistics_target = 10";

/** A file of this ledger: another ledger may have one of the same id. */
export interface OwnFile {
  /** `IngestLedger.tag`. */
  readonly ledger: string;
  readonly fileId: string;
}

export function ownTable(file: OwnFile, part: number): RelationName {
  return { schema: storeSchema, name: `${prefixOf(file)}${part}` };
}

function prefixOf({ ledger, fileId }: OwnFile): string {
  return `${prefixOfLedger(ledger)}${fileId}_`;
}

function prefixOfLedger(ledger: string): string {
  return `_file_${ledger}_`;
}

/**
 * Makes a table for one stream, has `copy` fill it, and leaves it, analysed, as a table that its source's store can take. To
 * be called in a transaction of its own.
 *
 * @param numbered whether the table is to number its rows, and know their file, by itself; see `numberFrom`
 */
export async function fillOwnTable(
  transaction: Queryable & Copying,
  table: RelationName,
  store: string,
  { fileId, numbered }: { readonly fileId: string; readonly numbered: boolean },
  copy: () => Promise<number>,
): Promise<number> {
  const name = quoteRelation(table);
  // Lets the disk begin while rows still arrive, so that the commit need not wait for all of them; and rows may be long in coming.
  await transaction.query(
    `select set_config(name, least(64, max_val::integer)::text, true), set_config('idle_in_transaction_session_timeout', '0', true)
     from pg_settings where name = 'backend_flush_after'`,
  );
  await transaction.query(
    `create table ${name} (like ${quoteRelation(storeRelation(store))} including storage including compression)`,
  );
  if (numbered) {
    await transaction.query(
      `alter table ${name} alter _file_id set default ${BigInt(fileId)},
       alter _row add generated always as identity (cache ${numbersAtOnce})`,
    );
  }
  const rows = await copy();
  if (numbered) {
    await transaction.query(`alter table ${name} alter _file_id drop default, alter _row drop identity`);
  }
  await transaction.query(smallSample);
  await transaction.query(`analyze ${name}`);
  return rows;
}

/** Says which number the next row gets of a table that numbers its rows. */
export async function numberFrom(transaction: Queryable, table: RelationName, row: number): Promise<void> {
  await transaction.query("select setval(pg_get_serial_sequence($1, '_row'), $2, false)", [
    quoteRelation(table),
    row,
  ]);
}

/** Makes tables part of their source's store. */
export async function attachOwnTables(
  transaction: Queryable,
  store: string,
  tables: readonly RelationName[],
): Promise<void> {
  for (const table of tables) {
    await transaction.query(
      `alter table ${quoteRelation(table)} inherit ${quoteRelation(storeRelation(store))}`,
    );
  }
}

/** The tables that exist for a file. */
export async function findOwnTables(session: Queryable, file: OwnFile): Promise<RelationName[]> {
  const { rows } = await session.query<{ name: string }>(
    `select relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where nspname = $1 and starts_with(relname, $2) and relkind = 'r' order by relname`,
    [storeSchema, prefixOf(file)],
  );
  return rows.map(({ name }) => ({ schema: storeSchema, name }));
}

/** The tables of this ledger that no file of it has: what was copied before it was known whether it is wanted. */
export async function findStrayTables(
  session: Queryable,
  ledger: string,
  historySchema: string,
): Promise<RelationName[]> {
  const { rows } = await session.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = to_regnamespace($1) and starts_with(relname, $2) and relkind = 'r'
       and not exists (
         select from ${quoteIdentifier(historySchema)}.ingest_file
         where file_id = content_file_id and file_id::text = split_part(substr(relname, length($2) + 1), '_', 1))`,
    [storeSchema, prefixOfLedger(ledger)],
  );
  return rows.map(({ name }) => ({ schema: storeSchema, name }));
}

/** Removes all rows of a file, wherever they lie. */
export async function removeRows(session: Queryable, store: string, file: OwnFile): Promise<void> {
  await dropTables(session, await findOwnTables(session, file));
  await session.query(`delete from only ${quoteRelation(storeRelation(store))} where _file_id = $1`, [
    file.fileId,
  ]);
}

export async function dropTables(session: Queryable, tables: readonly RelationName[]): Promise<void> {
  if (tables.length > 0) await session.query(`drop table if exists ${tables.map(quoteRelation).join(", ")}`);
}

/** The tables that hold a file's rows, those of others too. */
export function relationsOf(store: string, own: readonly RelationName[]): readonly RelationName[] {
  return own.length === 0 ? [storeRelation(store)] : own;
}

/** SQL: a relation of the rows of a file that lie in these tables; of its source's store where there are none. */
export function rowsOf(store: string, fileId: string, own: readonly RelationName[]): string {
  if (own.length === 0) {
    return `(select * from only ${quoteRelation(storeRelation(store))} where ${quoteIdentifier("_file_id")} = ${BigInt(fileId)})`;
  }
  return `(${own.map((table) => `select * from ${quoteRelation(table)}`).join(" union all ")})`;
}
