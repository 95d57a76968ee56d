import type { Queryable } from "../warehouse.js";

/**
 * What a new version takes over from the relation, as a short text: it differs when somebody has changed any of it since.
 * For use under the relation's lock, prepared, so that it costs next to nothing there.
 *
 * @param before single statements, such as those that lock it, that are run first in the same round trip
 */
export async function readCarriedState(
  transaction: Pick<Queryable, "sequence">,
  oid: number,
  before: readonly string[] = [],
): Promise<string | undefined> {
  const text = `select ${carriedState} as carried from pg_catalog.pg_class as rel where rel.oid = $1::oid`;
  const answers = await transaction.sequence([
    ...before.map((statement) => ({ text: statement })),
    { text, values: [oid], prepare: "aquifer_carried" },
  ]);
  return answers.at(-1)?.rows[0]?.["carried"] as string | undefined;
}

/** Of `rel`, a row of pg_class. */
export const carriedState = `md5(concat_ws('|', rel.relacl, rel.relowner, rel.relrowsecurity, rel.relforcerowsecurity, rel.reloptions,
    (select string_agg(concat_ws(',', attnum, attname, attacl, atttypid, attnotnull), ';' order by attnum)
      from pg_catalog.pg_attribute where attrelid = rel.oid and attnum > 0),
    (select string_agg(concat_ws(',', oid, xmin), ';' order by oid) from pg_catalog.pg_policy where polrelid = rel.oid),
    (select string_agg(concat_ws(',', oid, tgenabled), ';' order by oid)
      from pg_catalog.pg_trigger where tgrelid = rel.oid and not tgisinternal),
    (select string_agg(indexrelid::text, ';' order by indexrelid) from pg_catalog.pg_index where indrelid = rel.oid),
    (select string_agg(oid::text, ';' order by oid) from pg_catalog.pg_constraint where conrelid = rel.oid),
    (select string_agg(oid::text, ';' order by oid) from pg_catalog.pg_statistic_ext where stxrelid = rel.oid),
    (select string_agg(concat_ws(',', oid, xmin), ';' order by oid) from pg_catalog.pg_rewrite
      where ev_class = rel.oid and rulename <> '_RETURN'),
    (select string_agg(concat_ws(',', objsubid, description), ';' order by objsubid) from pg_catalog.pg_description
      where objoid = rel.oid and classoid = 'pg_catalog.pg_class'::regclass)))`;
