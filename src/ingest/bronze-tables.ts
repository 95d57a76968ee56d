import { AquiferError } from "../base/errors.js";
import { quoteIdentifier, quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { Queryable } from "../warehouse/warehouse.js";

/** Where models read: one view per source with the rows of its current files. */
export const bronzeSchema = "bronze";

/**
 * Where rows are stored, of every version of every file, also of one that is being loaded. Rows become visible by the
 * ledger, never by being moved: nothing is locked and nothing is written twice, and a reader's snapshot stays whole.
 */
export const storeSchema = "bronze_store";

/** A bronze relation as its source declares it. */
export interface BronzeTable {
  readonly name: string;
  readonly source: string;
  readonly description: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly description: string }[];
  /** What names of files tell; each becomes a column `_<group>` of the view. */
  readonly nameGroups: readonly string[];
}

export function storeRelation(table: string): RelationName {
  return { schema: storeSchema, name: table };
}

/**
 * Makes stores and views exist with all declared columns, without touching what fits already. To be called in a
 * transaction, under the lock of ingest. Columns that are no longer declared stay, at the end.
 */
export async function ensureBronze(
  transaction: Queryable,
  tables: readonly BronzeTable[],
  historySchema: string,
): Promise<void> {
  const { rows } = await transaction.query<PresentTable>(
    `select wanted.name as table, ${columnsOf("$2")} as store, ${columnsOf("$3")} as view,
       pg_get_viewdef(to_regclass(format('%I.%I', $3::text, wanted.name))) as definition
     from unnest($1::text[]) as wanted (name)`,
    [tables.map(({ name }) => name), storeSchema, bronzeSchema],
  );
  for (const schema of [storeSchema, bronzeSchema]) {
    const exists = await transaction.query("select 1 from pg_namespace where nspname = $1", [schema]);
    if (exists.rowCount === 0) await transaction.query(`create schema ${quoteIdentifier(schema)}`);
  }
  for (const table of tables) {
    const present = rows.find((row) => row.table === table.name);
    const store = present?.store ?? [];
    refuseChangedType(table, store, historySchema);
    const [stored, viewed] = [store, present?.view ?? []].map((columns) => columns.map(({ name }) => name));
    const isRenamed = present?.definition?.includes(`source = ${quoteLiteral(table.source)}::text`) === false;
    for (const statement of bronzeStatements(table, stored ?? [], viewed ?? [], isRenamed, historySchema)) {
      await transaction.query(statement);
    }
  }
}

/** The names of a store's columns; none where it does not exist. */
export async function storeColumns(session: Queryable, table: string): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    "select attname as name from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped",
    [quoteRelation(storeRelation(table))],
  );
  return rows.map(({ name }) => name);
}

interface PresentTable {
  readonly table: string;
  readonly store: readonly PresentColumn[];
  readonly view: readonly PresentColumn[];
  /** Of the view, in the server's words; null where it does not exist. */
  readonly definition: string | null;
}

interface PresentColumn {
  readonly name: string;
  readonly type: string;
}

/** SQL: the columns of `<schema parameter>.<wanted.name>` in their order; an empty array where it does not exist. */
function columnsOf(schema: string): string {
  return `(
    select coalesce(json_agg(json_build_object(
      'name', attname, 'type', format_type(atttypid, atttypmod)) order by attnum), '[]')
    from pg_attribute
    where attrelid = to_regclass(format('%I.%I', ${schema}::text, wanted.name)) and attnum > 0 and not attisdropped)`;
}

/** How declarations say what the catalog calls otherwise. */
const shortTypes: Readonly<Record<string, string>> = {
  "timestamp without time zone": "timestamp",
  "timestamp with time zone": "timestamptz",
};

function refuseChangedType(
  table: BronzeTable,
  present: readonly PresentColumn[],
  historySchema: string,
): void {
  const ledger = quoteIdentifier(historySchema);
  const ofTable = `where bronze_table = ${quoteLiteral(table.name)}`;
  for (const { name, type } of table.columns) {
    const found = present.find((column) => column.name === name)?.type;
    const stored = found === undefined ? undefined : (shortTypes[found] ?? found);
    if (stored !== undefined && stored !== type) {
      throw new AquiferError(`bronze.${table.name}: column ${name} is ${stored}, declared as ${type}`, {
        code: "changed-type",
        hint: `Declare it as ${stored}, or under another name; or forget all that was loaded, with every view that reads it: drop table ${quoteRelation(storeRelation(table.name))} cascade; delete from ${ledger}.ingest_reject where file_id in (select file_id from ${ledger}.ingest_file ${ofTable}); delete from ${ledger}.ingest_file ${ofTable};`,
      });
    }
  }
}

/** The statements that bring one store and its view to the declared columns. */
function bronzeStatements(
  table: BronzeTable,
  stored: readonly string[],
  viewed: readonly string[],
  isRenamed: boolean,
  historySchema: string,
): string[] {
  const store = quoteRelation(storeRelation(table.name));
  const view = quoteRelation({ schema: bronzeSchema, name: table.name });
  const statements: string[] = [];
  const definition = (column: { name: string; type: string }): string =>
    `${quoteIdentifier(column.name)} ${column.type}`;
  const missing = table.columns.filter(({ name }) => !stored.includes(name));
  if (stored.length === 0) {
    // The two of fixed width first: no padding before them.
    statements.push(
      `create table ${store} (_file_id bigint not null, _row bigint not null, ${table.columns.map(definition).join(", ")})`,
      // Rows of a file lie together: a few pages tell where, at next to no cost while loading.
      `create index on ${store} using brin (_file_id) with (pages_per_range = 32)`,
    );
  } else if (missing.length > 0) {
    statements.push(
      `alter table ${store} ${missing.map((column) => `add column ${definition(column)}`).join(", ")}`,
    );
  }
  const columns = viewColumns(table, stored, viewed);
  if (columns.length !== viewed.length || isRenamed) {
    statements.push(
      `create or replace view ${view} as ${viewQuery(table, columns, [...stored, ...missing.map(({ name }) => name)], historySchema)}`,
      `comment on view ${view} is ${quoteLiteral(table.description || `Rows of source ${table.source}.`)}`,
      ...table.columns
        .filter(({ description }) => description !== "")
        .map(
          ({ name, description }) =>
            `comment on column ${view}.${quoteIdentifier(name)} is ${quoteLiteral(description)}`,
        ),
    );
  }
  return statements;
}

const origins: ReadonlyMap<string, string> = new Map([
  ["_file_id", "file.file_id"],
  ["_row", "store._row"],
  ["_file_name", "file.file_name"],
  ["_file_hash", "file.content_hash"],
  ["_period", "file.period"],
  ["_batch", "batch.name"],
  ["_loaded_at", "batch.ended_at"],
]);

/** Columns that a view has stay where they are; new ones can only follow. */
function viewColumns(table: BronzeTable, stored: readonly string[], viewed: readonly string[]): string[] {
  const own = table.columns.map(({ name }) => name);
  const others = stored.filter((name) => !own.includes(name) && name !== "_file_id" && name !== "_row");
  const named = table.nameGroups.map((group) => `_${group}`);
  return [...new Set([...viewed, ...own, ...origins.keys(), ...named, ...others])];
}

function viewQuery(
  table: BronzeTable,
  columns: readonly string[],
  stored: readonly string[],
  historySchema: string,
): string {
  const ledger = quoteIdentifier(historySchema);
  const list = columns.map((name) => {
    const origin = origins.get(name);
    if (origin !== undefined) return `${origin} as ${name}`;
    // No column of a file begins so: what does was told by a name, perhaps by a group that is no longer declared.
    if (!name.startsWith("_") || stored.includes(name)) return `store.${quoteIdentifier(name)}`;
    return `file.name_parts ->> ${quoteLiteral(name.slice(1))} as ${quoteIdentifier(name)}`;
  });
  return `
select ${list.join(", ")}
from ${quoteRelation(storeRelation(table.name))} as store
join ${ledger}.ingest_file as file on file.content_file_id = store._file_id
left join ${ledger}.ingest_batch as batch on batch.batch_id = file.batch_id
where file.source = ${quoteLiteral(table.source)} and file.status = 'loaded' and file.superseded_by is null`;
}
