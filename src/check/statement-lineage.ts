import { quoteIdentifier } from "../base/identifiers.js";
import { sqlTokens } from "../statements/sql-tokens.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import { changesData, parseStatement, type ParsedStatement } from "./parse-statement.js";
import { queryLineage, writeLineage, type QueryLineage, type WriteLineage } from "./query-lineage.js";

/** Statements that later ones may rest on, and that touch nothing but the session. */
const preparing = new Set([
  "VariableSetStmt",
  "CreateStmt",
  "CreateTableAsStmt",
  "ViewStmt",
  "CreateSchemaStmt",
]);

/** The lineage of a query, read inside the transaction that the session is in. */
export async function analyseQuery(session: Queryable, query: string): Promise<QueryLineage> {
  const { rows } = await session.query<{ action: string }>(
    `create or replace temp view aquifer_lineage_view as\n${query}\n;
select ev_action::text as action from pg_catalog.pg_rewrite where ev_class = 'pg_temp.aquifer_lineage_view'::regclass`,
  );
  await session.query("drop view pg_temp.aquifer_lineage_view");
  return queryLineage(rows[0]?.action ?? "()");
}

/**
 * What statements write, in their order, read inside the transaction that the session is in: each that changes data is made
 * a function, whose body the server keeps analysed; `create table as` is read as the query that it holds. Settings and
 * temporary tables are made on the way, for those that follow. What cannot be analysed so, such as `copy`, has no lineage.
 */
export async function analyseStatements(
  session: Queryable,
  texts: readonly string[],
): Promise<WriteLineage[]> {
  const writes: WriteLineage[] = [];
  for (const statement of texts.flatMap(statementsOf)) {
    await session.query("savepoint aquifer_lineage");
    try {
      if (changesData(statement)) {
        writes.push(...(await analyseChange(session, statement)));
        await session.query("rollback to aquifer_lineage");
      } else if (preparing.has(statement.kind)) {
        writes.push(...(await prepare(session, statement)));
      }
    } catch (error) {
      if (!(error instanceof WarehouseError) || error.isConnectionLoss) throw error;
      await session.query("rollback to aquifer_lineage");
    }
  }
  return writes;
}

function statementsOf(text: string): readonly ParsedStatement[] {
  const parsed = parseStatement(text);
  return parsed.ok ? parsed.statements : [];
}

async function analyseChange(session: Queryable, { text }: ParsedStatement): Promise<WriteLineage[]> {
  await session.query(`create function pg_temp.aquifer_lineage() returns void begin atomic\n${text}\n;\nend`);
  const { rows } = await session.query<{ body: string }>(
    "select prosqlbody::text as body from pg_catalog.pg_proc where oid = 'pg_temp.aquifer_lineage'::regproc",
  );
  return writeLineage(rows[0]?.body ?? "()");
}

/** Makes what is temporary; a table of the project stands there from the build. */
async function prepare(session: Queryable, statement: ParsedStatement): Promise<WriteLineage[]> {
  const { tree, text } = statement;
  const node = tree as Making;
  const made = node.into?.rel ?? node.view;
  const relation = made ?? node.relation;
  if (relation === undefined || relation.relpersistence === "t") await session.query(text);
  if (made?.relname === undefined) return [];
  const { schemaname, relname } = made;
  const name = [...(schemaname === undefined ? [] : [schemaname]), relname].map(quoteIdentifier).join(".");
  const { rows } = await session.query<{ oid: number }>("select $1::regclass::oid as oid", [name]);
  const { outputs, through } = await analyseQuery(session, queryOf(text));
  return outputs.map(({ from }, index) => ({
    column: `${rows[0]?.oid ?? 0}.${index + 1}`,
    ...{ from, through },
  }));
}

/** `create table as`, `create view`, `create table`, `set`. */
interface Making {
  readonly into?: { readonly rel?: Named };
  readonly view?: Named;
  readonly relation?: Named;
}

interface Named {
  readonly schemaname?: string;
  readonly relname?: string;
  readonly relpersistence?: string;
}

/** The query in `create table ... as query [with [no] data]` and `create view ... as query`. */
function queryOf(text: string): string {
  let depth = 0;
  for (const { text: token, start, kind } of sqlTokens(text)) {
    if (token === "(") depth += 1;
    else if (token === ")") depth -= 1;
    else if (kind === "word" && depth === 0 && token.toLowerCase() === "as")
      return text.slice(start + token.length).replace(/\bwith\s+(?:no\s+)?data\s*$/i, "");
  }
  return text;
}
