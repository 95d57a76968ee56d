import { hash32, quoteIdentifier, quoteLiteral, type RelationName } from "../../base/identifiers.js";
import type { Queryable } from "../warehouse.js";
import { factsQuery } from "./facts-query.js";
import type { RelationFacts } from "./relation-facts.js";
import { standingColumns } from "./standing-columns.js";

/**
 * Reads all facts of one relation; undefined when it does not exist. For use inside a transaction, which holds no lock
 * and no setting of it afterwards: writing the definition of a view locks every relation that the view reads, and two
 * transactions that kept such locks on views they share would never get the stronger ones they need to replace them.
 */
export async function readRelationFacts(
  transaction: Queryable,
  relation: RelationName,
): Promise<RelationFacts | undefined> {
  const oid = `(select class.oid from pg_catalog.pg_class as class join pg_catalog.pg_namespace as namespace
      on namespace.oid = class.relnamespace
    where namespace.nspname = ${quoteLiteral(relation.schema)} and class.relname = ${quoteLiteral(relation.name)})`;
  const answers = await transaction.sequence([
    { text: "savepoint facts" },
    // The relation's own schema as search_path decides how the server writes definitions: its name stands alone in them.
    { text: `set local search_path = ${quoteIdentifier(relation.schema)}` },
    { text: "set local plan_cache_mode = force_generic_plan" },
    // One prepared statement a schema: the server plans anew whenever search_path is not what it was at planning, and
    // planning this statement takes five times as long as running it.
    {
      text: factsQuery,
      values: [relation.schema, relation.name],
      prepare: `aquifer_facts_${hash32(relation.schema)}`,
    },
    { text: "rollback to savepoint facts" },
    { text: "release savepoint facts" },
    // Types are written as the session writes them everywhere else: those of the relation's own schema with its name.
    { text: `select ${standingColumns(oid)} as columns` },
  ]);
  const [read] = answers.at(3)?.rows ?? [];
  const [standing] = answers.at(-1)?.rows ?? [];
  if (read === undefined) return undefined;
  const facts = read["facts"] as Omit<RelationFacts, "columns">;
  return { ...facts, columns: (standing?.["columns"] ?? []) as RelationFacts["columns"] };
}
