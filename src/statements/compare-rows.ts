import { quoteIdentifier, quoteRelation, type RelationName } from "../base/identifiers.js";

/** Types without an equality of their own, compared as text. */
const compareAsText = new Set(["json", "xml", "point", "box", "path", "polygon", "line", "circle"]);

/**
 * The rows of `left` that `right` lacks, duplicates counted, order ignored: one JSON object a row in column `row`, at most
 * `limit`. Values are compared by the types of `types`, so that `1.5` equals `1.50` and a null equals a null.
 *
 * @param types type by column, of the relation whose types decide
 */
export function rowsMissingFrom(
  left: RelationName,
  right: RelationName,
  types: ReadonlyMap<string, string>,
  limit: number,
): string {
  const columns = [...types].map(([name, type]) => {
    const quoted = quoteIdentifier(name);
    const cast = `${quoted}::${type}`;
    return compareAsText.has(type) ? `(${cast})::text as ${quoted}` : `${cast} as ${quoted}`;
  });
  const select = (relation: RelationName): string =>
    `select ${columns.join(", ")} from ${quoteRelation(relation)}`;
  return `select to_jsonb(missing) as row
from (${select(left)}\nexcept all\n${select(right)}) as missing
order by missing::text
limit ${limit}`;
}
