import { Readable } from "node:stream";
import { AquiferError } from "../base/errors.js";
import { quoteIdentifier, quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { SampleTable } from "../project/sample.js";
import { copyIn } from "../warehouse/copy.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import { joinedPieces } from "./joined-pieces.js";

/** What marks a table as one that a sample may replace. */
const mark = "Invented rows, written by dataform sample.";

export interface SampleTableOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Puts a sample's table in place of the one that an earlier sample wrote, in one transaction.
 *
 * @param database the operational database, opened for writing
 * @returns how many rows it has, and the bytes that were sent
 * @throws AquiferError `not-a-sample` when a table of that name was not written by a sample
 */
export async function writeSampleTable(
  database: Warehouse,
  table: SampleTable,
  options: SampleTableOptions,
): Promise<{ readonly rows: number; readonly bytes: number }> {
  const name = relationOf(table.table);
  const relation = quoteRelation(name);
  const columns = Object.entries(table.columns).map(([column, type]) => `${quoteIdentifier(column)} ${type}`);
  let bytes = 0;
  function* counted(): Generator<Buffer> {
    for (const block of joinedPieces(table.content)) {
      bytes += block.length;
      options.onBytes?.(bytes);
      yield block;
    }
  }
  return database.withSession((session) =>
    session.transaction(async (transaction) => {
      const { rows: present } = await transaction.query<{ mark: string | null }>(
        "select obj_description(oid, 'pg_class') as mark from pg_class where oid = to_regclass($1)",
        [relation],
      );
      if (present[0] && present[0].mark !== mark) {
        const { host, port, database: place } = database.target;
        throw new AquiferError(`${table.table} in ${host}:${port}/${place} was not written by a sample`, {
          code: "not-a-sample",
          hint: "Nothing was changed. Remove the table, or let the connection lead elsewhere.",
        });
      }
      // Naming a schema that exists would ask for the right to create one.
      const exists = await transaction.query("select from pg_namespace where nspname = $1", [name.schema]);
      if (exists.rowCount === 0) await transaction.query(`create schema ${quoteIdentifier(name.schema)}`);
      await transaction.query(`drop table if exists ${relation}`);
      await transaction.query(`create table ${relation} (${columns.join(", ")})`);
      await transaction.query(`comment on table ${relation} is ${quoteLiteral(mark)}`);
      const rows = await copyIn(
        session,
        `copy ${relation} from stdin (format csv, encoding 'UTF8')`,
        Readable.from(counted(), { objectMode: true, highWaterMark: 4 }),
        { signal: options.signal },
      );
      await transaction.query(`analyze ${relation}`);
      return { rows, bytes };
    }),
  );
}

function relationOf(table: string): RelationName {
  const [schema = "", name = "", ...more] = table.split(".");
  if (schema !== "" && name !== "" && more.length === 0) return { schema, name };
  throw new AquiferError(`The sample's table is ${JSON.stringify(table)}`, {
    code: "bad-sample",
    hint: "Write schema.table.",
  });
}
