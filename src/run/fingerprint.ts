import { createHash } from "node:crypto";
import { formatRelation } from "../base/identifiers.js";
import type { Action } from "../project/action.js";
import { hasHiddenInput } from "../statements/hidden-inputs.js";
import { sqlTokens, type SqlToken } from "../statements/sql-tokens.js";

/** What decides whether an action's result can have changed, beside its own text. */
export interface FingerprintInputs {
  readonly actions: ReadonlyMap<string, Action>;
  /** What a declared relation holds, by `schema.name`; undefined for one that Aquifer does not load. */
  readonly dataVersion: (relation: string) => string | undefined;
  /** Lower-case names of functions whose result may differ from call to call. */
  readonly volatileFunctions: ReadonlySet<string>;
  /** A text that is never the same twice, for what always counts as changed. */
  readonly unique: string;
}

/** Words without parentheses that stand for the time or the user. */
const volatileWords = new Set([
  "current_date",
  "current_time",
  "current_timestamp",
  "localtime",
  "localtimestamp",
  "current_user",
  "session_user",
]);

/**
 * A fingerprint an action: of its compiled SQL and settings, of everything upstream, and of the data version of its
 * sources. Equal fingerprints mean that running the action again would change nothing. What calls a volatile function,
 * holds a literal such as `date 'today'`, names a relation without `ref`, or reads one that Aquifer does not load never has
 * the same fingerprint twice. The parser must have been loaded.
 */
export function fingerprints(inputs: FingerprintInputs): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  const visit = (key: string): string => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const action = inputs.actions.get(key);
    // Set before the walk goes on: a circle would have been refused by the compiler.
    known.set(key, "");
    const fingerprint = action === undefined ? "" : fingerprintOf(action, inputs, visit);
    known.set(key, fingerprint);
    return fingerprint;
  };
  for (const key of inputs.actions.keys()) visit(key);
  return known;
}

function fingerprintOf(action: Action, inputs: FingerprintInputs, visit: (key: string) => string): string {
  if (action.kind === "declaration") {
    return inputs.dataVersion(formatRelation(action.target)) ?? `${inputs.unique}:${action.key}`;
  }
  const own = ownParts(action);
  const known = [action, ...action.dependencies.map((key) => inputs.actions.get(key))].flatMap((each) =>
    each === undefined ? [] : [formatRelation(each.target)],
  );
  const isVolatile =
    action.jitCode !== undefined ||
    own.texts.some((text) => callsVolatile(text, inputs.volatileFunctions)) ||
    hasHiddenInput(own.texts, new Set(known));
  const parts = {
    kind: action.kind,
    target: action.target,
    ...own,
    description: action.description,
    columns: action.columns,
    upstream: [...action.dependencies].sort().map(visit),
    ...(isVolatile ? { unique: inputs.unique } : {}),
  };
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

function ownParts(action: Exclude<Action, { kind: "declaration" }>): {
  texts: readonly string[];
  settings: unknown;
} {
  switch (action.kind) {
    case "operations":
      return { texts: action.queries, settings: action.settings };
    case "assertion":
      return { texts: [action.query], settings: action.settings };
    case "incremental":
      return {
        texts: [
          action.query,
          action.incrementalQuery,
          ...action.preOperations,
          ...action.postOperations,
          ...action.incrementalPreOperations,
          ...action.incrementalPostOperations,
        ],
        settings: [action.postgres, action.uniqueKey, action.strategy, action.onSchemaChange],
      };
    case "table":
      return {
        texts: [action.query, ...action.preOperations, ...action.postOperations],
        settings: action.postgres,
      };
    case "view":
      return {
        texts: [action.query, ...action.preOperations, ...action.postOperations],
        settings: [action.postgres, action.materialized],
      };
  }
}

/** True when a text calls one of the functions by name, or uses a word that stands for the time or the user. */
export function callsVolatile(text: string, functions: ReadonlySet<string>): boolean {
  const tokens = sqlTokens(text).filter((token) => token.kind !== "space" && token.kind !== "comment");
  return tokens.some((token, index) => {
    const isName = token.kind === "word" || token.kind === "quoted";
    if (!isName) return false;
    const name =
      token.kind === "word" ? token.text.toLowerCase() : token.text.slice(1, -1).replaceAll('""', '"');
    if (token.kind === "word" && volatileWords.has(name)) return tokens[index - 1]?.text !== ".";
    if (tokens[index + 1]?.text !== "(" || !functions.has(name)) return false;
    // Of two timestamps it is a plain difference; of one it is measured from today.
    return name !== "age" || !hasSecondArgument(tokens.slice(index + 2));
  });
}

function hasSecondArgument(afterParenthesis: readonly SqlToken[]): boolean {
  let depth = 1;
  for (const { text } of afterParenthesis) {
    if (text === "(") depth += 1;
    else if (text === ")") depth -= 1;
    else if (text === "," && depth === 1) return true;
    if (depth === 0) return false;
  }
  return false;
}
