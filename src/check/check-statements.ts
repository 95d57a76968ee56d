import type { Action } from "../project/action.js";
import { isRelationAction } from "../project/action.js";
import { controlMessage, transactionControl, transactionHint } from "../statements/transaction-control.js";
import { userTexts } from "../statements/user-texts.js";
import { namedKeys } from "./named-keys.js";
import type { CheckContext } from "./check-context.js";
import { destructions, namedRelations, parseStatement, type ParsedStatement } from "./parse-statement.js";

/**
 * Judges the SQL of an action by its parse tree: syntax errors, relations of the project that it reads without `ref()`,
 * and in operations statements that destroy. An action with a syntax error is broken.
 */
export function checkStatements(context: CheckContext, action: Action): void {
  const texts = userTexts(action);
  if (context.inTransaction(action))
    for (const text of texts) refuseTransactionControl(context, action, text);
  const parsed = texts.map((text) => ({ text, result: parseStatement(text) }));
  const statements: ParsedStatement[] = [];
  for (const { text, result } of parsed) {
    if (result.ok) {
      statements.push(...result.statements);
      continue;
    }
    context.broken.set(action.key, "is broken");
    context.add(
      action,
      { severity: "error", code: "sql-42601", message: result.message },
      { statement: text, position: result.position },
    );
  }
  if (isRelationAction(action) && action.jitCode === undefined) {
    const result = parsed.find(({ text }) => text === action.query)?.result ?? parseStatement(action.query);
    if (result.ok) requireOneQuery(context, action, result.statements);
  }
  context.named.set(action.key, namedKeys(statements));
  const known = new Set([action.key, ...action.dependencies]);
  for (const { schema, name } of namedRelations(statements)) {
    const key = `${schema}.${name}`;
    if (known.has(key) || !context.actions.has(key)) continue;
    context.add(action, {
      severity: "warning",
      code: "undeclared-ref",
      message: `reads ${key} without ref()`,
      hint: `Write \${ref("${schema}", "${name}")}: only then is it built first.`,
    });
  }
  if (action.kind !== "operations") return;
  for (const destruction of destructions(statements)) {
    context.add(action, {
      severity: "warning",
      code: "destructive-operation",
      message: `this operation destroys: ${destruction}`,
    });
  }
}

function refuseTransactionControl(context: CheckContext, action: Action, text: string): void {
  const found = transactionControl(text);
  if (found === undefined) return;
  const position = Array.from(text.slice(0, found.offset)).length + 1;
  context.broken.set(action.key, "is broken");
  context.add(
    action,
    {
      severity: "error",
      code: "transaction-control",
      message: controlMessage(found),
      hint: transactionHint,
    },
    { statement: text, position },
  );
}

/** A model is one query: what follows a semicolon would never run, or break the statement that it stands in. */
function requireOneQuery(
  context: CheckContext,
  action: Action,
  [first, second]: readonly ParsedStatement[],
): void {
  if (first !== undefined && second === undefined) return;
  context.broken.set(action.key, "is broken");
  context.add(action, {
    severity: "error",
    code: "not-one-query",
    message: first === undefined ? "the model holds no query" : "the model holds more than one statement",
    hint: "A model is one select. Put other statements into pre_operations or post_operations.",
  });
}
