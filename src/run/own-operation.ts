import type { RelationName } from "../base/identifiers.js";
import { quotedRelations } from "../statements/rewrite-relation.js";
import { leadingWords, splitStatements } from "../statements/sql-tokens.js";

const ownCommands = [
  /^create (unique )?index/,
  /^create statistics/,
  /^alter table/,
  /^comment on/,
  /^grant /,
  /^revoke /,
  /^analyze/,
  /^cluster/,
  /^update /,
  /^delete from/,
];

/**
 * True for a post-operation that only changes the model's own table: it can run on the new version before readers see it.
 * What reads or writes anything else runs after the swap, in the same transaction.
 */
export function isOwnOperation(operation: string, self: RelationName): boolean {
  const statements = splitStatements(operation);
  return (
    statements.length > 0 &&
    statements.every((statement) => {
      const words = `${leadingWords(statement)} `;
      const named = quotedRelations(statement);
      return (
        ownCommands.some((command) => command.test(words)) &&
        named.length > 0 &&
        named.every((relation) => relation.schema === self.schema && relation.name === self.name) &&
        !/\b(from|join|using|select|rename|set\s+schema|owner)\b/i.test(withoutOwnWords(statement, words))
      );
    })
  );
}

/** `delete from`, `grant select` and `create index ... using` hold these words without reading another relation. */
function withoutOwnWords(statement: string, words: string): string {
  if (words.startsWith("grant ")) return statement.replace(/^\s*grant\s.*?\son\s/is, "");
  if (words.startsWith("revoke "))
    return statement.replace(/^\s*revoke\s.*?\son\s/is, "").replace(/\bfrom\b/i, "");
  if (words.startsWith("delete from")) return statement.replace(/delete\s+from/i, "");
  if (/^create (unique )?index/.test(words)) return statement.replace(/\busing\s+\w+/i, "");
  if (words.startsWith("create statistics")) return statement.replace(/\bfrom\b/i, "");
  return statement;
}
