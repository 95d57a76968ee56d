import { quoteIdentifier, quoteRelation } from "../base/identifiers.js";
import { utf16Offset } from "../base/text-position.js";
import { isRelationAction, type Action, type IncrementalAction } from "../project/action.js";
import { keyStatements } from "../statements/model-keys.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import { assertionStatement, buildAlone, createEmpty, planned, tryIncrement } from "./build-alone.js";
import type { CheckContext } from "./check-context.js";
import { compareContract } from "./compare-contract.js";
import { judgeIncrement } from "./judge-increment.js";
import { readColumns, type Columns } from "./read-columns.js";

/**
 * Builds actions that only send what Aquifer makes of their queries, all in one message: a round trip and a transaction for
 * each would take longer than the work. Where the server refuses one of them it takes back the whole message; then that one
 * is built alone, which tells its error at its place, and the others together again.
 */
export async function buildTogether(
  session: Queryable,
  context: CheckContext,
  actions: readonly Action[],
): Promise<void> {
  const judged = actions.filter((action) => context.isJudged(action));
  const [first] = judged;
  if (first === undefined) return;
  if (judged.length === 1) return buildAlone(session, context, first);
  const pieces = judged.map((action, index) => `${statements(action, index).join(";\n")};\n`);
  const refused = await refusalOf(session, pieces.join(""));
  if (refused === undefined) return judgeColumns(session, context, judged);
  const at = pieceAt(pieces, refused);
  if (at === undefined) {
    const middle = judged.length >> 1;
    await buildTogether(session, context, judged.slice(0, middle));
    return buildTogether(session, context, judged.slice(middle));
  }
  return buildAround(session, context, judged, at);
}

/** One action alone, those before and after it together. */
async function buildAround(
  session: Queryable,
  context: CheckContext,
  actions: readonly Action[],
  at: number,
): Promise<void> {
  await buildTogether(session, context, actions.slice(0, at));
  await buildTogether(session, context, actions.slice(at, at + 1));
  await buildTogether(session, context, actions.slice(at + 1));
}

function statements(action: Action, index: number): string[] {
  if (action.kind === "assertion") return [planned(assertionStatement(action))];
  if (!isRelationAction(action)) return [];
  const own = createEmpty(action);
  if (action.kind !== "view" || action.materialized)
    own.push(...keyStatements(action.target, action.postgres));
  if (action.kind === "incremental")
    own.push(
      `create temp view ${quoteIdentifier(incrementName(index))} as\n${action.incrementalQuery}\n`,
      planned(action.incrementalQuery),
    );
  return own;
}

function incrementName(index: number): string {
  return `aquifer_increment_${index}`;
}

/** What was built is held against what the config says of its columns, and increments against what they are added to. */
async function judgeColumns(
  session: Queryable,
  context: CheckContext,
  built: readonly Action[],
): Promise<void> {
  const relations = built.filter(isRelationAction);
  if (relations.every((action) => action.columns.length === 0 && action.kind !== "incremental")) return;
  const increments = built.flatMap((action, index) =>
    action.kind === "incremental" ? [{ action, at: { schema: "pg_temp", name: incrementName(index) } }] : [],
  );
  const columns = await readColumns(session, [
    ...relations.map(({ target }) => target),
    ...increments.map(({ at }) => at),
  ]);
  const of = (at: { readonly schema: string; readonly name: string }): Columns =>
    columns.get(quoteRelation(at)) ?? [];
  for (const action of relations) compareContract(context, action, of(action.target));
  const alone: IncrementalAction[] = [];
  const writes: string[] = [];
  for (const { action, at } of increments) {
    const judgement = judgeIncrement(action, of(action.target), of(at), at);
    if (judgement.findings.length > 0 || judgement.retyped.length > 0 || judgement.changes.length > 0)
      alone.push(action);
    else writes.push(...judgement.writes.map(planned));
  }
  const isRefused = writes.length > 0 && (await refusalOf(session, writes.join(";\n"))) !== undefined;
  if (increments.length > 0) await session.query("discard temp");
  for (const action of isRefused ? increments.map((each) => each.action) : alone)
    await tryIncrement(session, context, action, of(action.target));
}

/** What the server says against a message; nothing of a refused one remains. */
async function refusalOf(session: Queryable, text: string): Promise<WarehouseError | undefined> {
  try {
    await session.query(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof WarehouseError) || error.isConnectionLoss) throw error;
    return error;
  }
}

/** Which piece of the message an error's position lies in. */
function pieceAt(pieces: readonly string[], { server, statement = "" }: WarehouseError): number | undefined {
  if (server.position === undefined) return undefined;
  let rest = utf16Offset(statement, server.position - 1, "code points");
  const at = pieces.findIndex((piece) => (rest -= piece.length) < 0);
  return at < 0 ? undefined : at;
}
