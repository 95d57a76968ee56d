import { AquiferError } from "../base/errors.js";
import { quoteIdentifier } from "../base/identifiers.js";
import type { Copying, Session, Warehouse } from "../warehouse/warehouse.js";
import { migrations } from "./migrations/index.js";

/** One numbered step of the history schema. Steps that were released never change; a new step is added instead. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** SQL of the step; `schema` arrives quoted. */
  readonly statements: (schema: string) => string;
}

/** The schema that holds history when the project does not name another. */
export const defaultHistorySchema = "aquifer";

/**
 * Brings the history schema up to date: creates it, or applies the steps it lacks, in one transaction under a lock, so
 * that two commands starting at once do not hurt each other. Two short queries when there is nothing to do.
 *
 * @throws AquiferError `history-too-new` when a newer Aquifer has migrated the schema
 */
export async function migrateHistory(warehouse: Warehouse, schema = defaultHistorySchema): Promise<void> {
  if ((await appliedVersion(warehouse, schema)) === latestVersion) return;
  await warehouse.withSession((session) => applyMissing(session, schema));
}

const latestVersion = Math.max(...migrations.map((migration) => migration.version));

async function applyMissing(session: Session & Copying, schema: string): Promise<void> {
  const quoted = quoteIdentifier(schema);
  await session.transaction(async (transaction) => {
    await transaction.query("select pg_advisory_xact_lock(hashtextextended('aquifer migrate ' || $1, 0))", [
      schema,
    ]);
    const exists = await transaction.query("select 1 from pg_namespace where nspname = $1", [schema]);
    if (exists.rowCount === 0) await transaction.query(`create schema ${quoted}`);
    await transaction.query(
      `create table if not exists ${quoted}.migration (
        version integer primary key, name text not null, applied_at timestamptz not null default clock_timestamp())`,
    );
    const applied = await appliedVersion(transaction, schema);
    for (const migration of migrations.filter(({ version }) => version > applied)) {
      await transaction.query(migration.statements(quoted));
      await transaction.query(`insert into ${quoted}.migration (version, name) values ($1, $2)`, [
        migration.version,
        migration.name,
      ]);
    }
  });
}

/** True when the history schema is there and up to date, so that it may be read. */
export async function hasHistory(queryable: Pick<Warehouse, "query">, schema: string): Promise<boolean> {
  return (await appliedVersion(queryable, schema)) === latestVersion;
}

async function appliedVersion(queryable: Pick<Warehouse, "query">, schema: string): Promise<number> {
  const table = await queryable.query<{ present: boolean }>("select to_regclass($1) is not null as present", [
    `${quoteIdentifier(schema)}.migration`,
  ]);
  if (table.rows[0]?.present !== true) return 0;
  const answer = await queryable.query<{ version: number }>(
    `select coalesce(max(version), 0) as version from ${quoteIdentifier(schema)}.migration`,
  );
  const version = answer.rows[0]?.version ?? 0;
  if (version > latestVersion) {
    throw new AquiferError(
      `The history schema "${schema}" is at version ${version}; this Aquifer knows ${latestVersion}`,
      { code: "history-too-new", hint: "Update the package `aquifer` of this project." },
    );
  }
  return version;
}
