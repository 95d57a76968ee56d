import { leadingWords, statementSpans } from "./sql-tokens.js";

/** A statement that begins or ends a transaction. */
export interface TransactionControl {
  /** `commit`. */
  readonly word: string;
  /** Where it starts in the text, in UTF-16 units. */
  readonly offset: number;
}

/** What is wrong with it. */
export function controlMessage({ word }: TransactionControl): string {
  return `"${word}" would end the transaction that the action runs in`;
}

/** What to do about it. */
export const transactionHint =
  "Take it out: all of the action's statements are published together, or none. An operation that must not run in a transaction says so in aquifer.config.ts: operations: { <name>: { transaction: false } }.";

/** Quick to look for: most texts hold none of these words, and few of those that do control a transaction. */
const mentioned = /\b(?:begin|start|commit|end|rollback|abort|prepare)\b/i;

/**
 * The first statement of a text that begins or ends a transaction. Inside of Aquifer's own transaction it would publish what
 * has not been audited, or undo what history calls done. Savepoints, and going back to one, are harmless.
 *
 * @example transactionControl("delete from a; commit") // { word: "commit", offset: 15 }
 */
export function transactionControl(sql: string): TransactionControl | undefined {
  if (!mentioned.test(sql)) return undefined;
  for (const { text, offset } of statementSpans(sql)) {
    const words = leadingWords(text, 3).split(" ");
    if (isControl(words)) return { word: words[0] ?? "", offset };
  }
  return undefined;
}

function isControl([first = "", ...next]: readonly string[]): boolean {
  if (first === "prepare" || first === "start") return next[0] === "transaction";
  if (first === "rollback") return !next.includes("to");
  return ["begin", "commit", "end", "abort"].includes(first);
}
