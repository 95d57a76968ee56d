import { quoteIdentifier, type RelationName } from "../base/identifiers.js";
import { sqlTokens } from "./sql-tokens.js";

/**
 * The same SQL, reading another relation: every `"schema"."name"` of `from`, quoted as the compiler writes references, is
 * replaced. Strings and comments are left alone. The text keeps its length up to the first replacement, so that positions
 * before it still hold.
 */
export function rewriteRelation(sql: string, from: RelationName, to: RelationName): string {
  const tokens = sqlTokens(sql);
  const schema = quoteIdentifier(from.schema);
  const name = quoteIdentifier(from.name);
  let result = "";
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (token === undefined) break;
    const isReference =
      token.kind === "quoted" &&
      token.text === schema &&
      tokens[index + 1]?.text === "." &&
      tokens[index + 2]?.kind === "quoted" &&
      tokens[index + 2]?.text === name &&
      tokens[index - 1]?.text !== ".";
    if (isReference) {
      result += `${quoteIdentifier(to.schema)}.${quoteIdentifier(to.name)}`;
      index += 2;
    } else {
      result += token.text;
    }
  }
  return result;
}

/** The relations that a statement names as `"schema"."name"`, in order of first appearance. */
export function quotedRelations(sql: string): RelationName[] {
  const tokens = sqlTokens(sql);
  const found = new Map<string, RelationName>();
  tokens.forEach((token, index) => {
    const name = tokens[index + 2];
    if (token.kind === "quoted" && tokens[index + 1]?.text === "." && name?.kind === "quoted") {
      const relation = { schema: unquote(token.text), name: unquote(name.text) };
      found.set(JSON.stringify(relation), relation);
    }
  });
  return [...found.values()];
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replaceAll('""', '"');
}
