import { hash32, quoteIdentifier, type RelationName } from "../../base/identifiers.js";
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
  // The relation's own schema as search_path decides how the server writes definitions: its name stands alone in them.
  await transaction.query(
    `savepoint facts; set local search_path = ${quoteIdentifier(relation.schema)}; set local plan_cache_mode = force_generic_plan`,
  );
  // One prepared statement a schema: the server plans anew whenever search_path is not what it was at planning, and
  // planning this statement takes five times as long as running it.
  const answer = await transaction.query<{ facts: Omit<RelationFacts, "columns"> }>(
    factsQuery,
    [relation.schema, relation.name],
    { prepare: `aquifer_facts_${hash32(relation.schema)}` },
  );
  const facts = answer.rows[0]?.facts;
  // Types are written as the session writes them everywhere else: those of the relation's own schema with its name.
  const after = await transaction.query<{ columns: RelationFacts["columns"] }>(
    `rollback to savepoint facts; release savepoint facts; select ${standingColumns(String(facts?.oid ?? 0))} as columns`,
  );
  return facts === undefined ? undefined : { ...facts, columns: after.rows[0]?.columns ?? [] };
}
