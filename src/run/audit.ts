import { formatRelation, type RelationName } from "../base/identifiers.js";
import type { AssertionAction } from "../project/action.js";
import { exceedsThreshold, formatThreshold, type AssertionSettings } from "../project/assertion-settings.js";
import {
  conditionChecks,
  conditionSample,
  conditionScan,
  isProvenByIndex,
  plainName,
  querySample,
  queryScan,
  uniqueSample,
  uniqueScan,
  type ConditionCheck,
} from "../statements/assertion-scan.js";
import { rewriteRelation } from "../statements/rewrite-relation.js";
import { aroundUser } from "../statements/statement.js";
import { milliseconds, type ActionSession } from "./action-session.js";
import type { AssertionOutcome } from "./outcome.js";

/** A relation to check: where it stands now, and the name that the assertions know it by. */
export interface Audited {
  readonly at: RelationName;
  readonly name: RelationName;
  /** Unique keys that an index or constraint on `at` already proves. */
  readonly provenKeys: readonly (readonly string[])[];
}

type Sample = AssertionOutcome["sample"][number];

/**
 * Checks assertions on one relation: all row conditions in one scan, unique keys by the index that proves them or by
 * grouping, assertions with a query of their own one by one. Each reports its own counts.
 */
export async function audit(
  session: ActionSession,
  audited: Audited,
  assertions: readonly AssertionAction[],
): Promise<AssertionOutcome[]> {
  const outcomes: AssertionOutcome[] = [];
  const conditions = conditionChecks(assertions);
  let scanned: number | undefined;
  const neverNull = new Set<string>();
  if (conditions.length > 0) {
    const started = milliseconds();
    const counts = await scan(session, conditionScan(audited.at, conditions));
    scanned = Number(counts["checked"]);
    const failed = conditions.map((_, index) => Number(counts[`failed_${index}`]));
    for (const [index, condition] of conditions.entries()) {
      const column = /^([\s\S]*?)\s+is\s+not\s+null$/i.exec(condition.expression.trim())?.[1];
      const name = column === undefined ? undefined : plainName(column);
      if (name !== undefined && failed[index] === 0) neverNull.add(name);
    }
    const durationMs = milliseconds() - started;
    for (const assertion of assertions.filter((each) => each.check?.kind === "rowConditions")) {
      outcomes.push(
        await conditionOutcome(session, audited, assertion, conditions, failed, scanned, durationMs),
      );
    }
  }
  for (const assertion of assertions) {
    if (assertion.check?.kind === "rowConditions") continue;
    const started = milliseconds();
    const settings =
      assertion.check === undefined ? assertion.settings.all : assertion.settings.assertions.uniqueKey;
    // A query of its own may look at any of the rows: how many is not known.
    let checked = assertion.check === undefined ? undefined : scanned;
    let failed = 0;
    let sample: readonly Sample[] = [];
    if (assertion.check === undefined) {
      const query = rewriteRelation(assertion.query, audited.name, audited.at);
      failed = await countFailing(session, query);
      if ("percent" in settings.maxFailing) checked = scanned ?? (await countRows(session, audited.at));
      if (failed > 0) sample = [{ failed, rows: await readSample(session, settings, querySample(query)) }];
    } else if (!isProvenByIndex(assertion.check.columns, audited.provenKeys, neverNull)) {
      const counts = await scan(session, uniqueScan(audited.at, assertion.check.columns));
      checked = Number(counts["checked"]);
      failed = Number(counts["failed"]);
      if (failed > 0) {
        const condition = `unique (${assertion.check.columns.join(", ")})`;
        sample = [
          {
            condition,
            failed,
            rows: await readSample(session, settings, uniqueSample(audited.at, assertion.check.columns)),
          },
        ];
      }
    }
    outcomes.push(
      outcome(assertion, settings, audited.name, {
        checked,
        failed,
        sample,
        durationMs: milliseconds() - started,
      }),
    );
  }
  return outcomes;
}

/** Runs an assertion that reads several relations, after they are published. */
export async function checkPublished(
  session: ActionSession,
  assertion: AssertionAction,
  relation: RelationName | undefined,
): Promise<AssertionOutcome> {
  const started = milliseconds();
  const failed = await countFailing(session, assertion.query);
  const sample =
    failed === 0
      ? []
      : [{ failed, rows: await readSample(session, assertion.settings.all, querySample(assertion.query)) }];
  const settings = assertion.settings.all;
  let checked: number | undefined;
  if ("percent" in settings.maxFailing && relation !== undefined)
    checked = await countRows(session, relation);
  return outcome(assertion, settings, relation, {
    checked,
    failed,
    sample,
    durationMs: milliseconds() - started,
  });
}

async function conditionOutcome(
  session: ActionSession,
  audited: Audited,
  assertion: AssertionAction,
  conditions: readonly ConditionCheck[],
  failed: readonly number[],
  checked: number,
  durationMs: number,
): Promise<AssertionOutcome> {
  const own = conditions
    .map((condition, index) => ({ condition, failed: failed[index] ?? 0 }))
    .filter(({ condition }) => condition.assertion === assertion.key);
  const sample: Sample[] = [];
  for (const { condition, failed: count } of own) {
    if (count === 0) continue;
    const rows = await readSample(session, condition.settings, conditionSample(audited.at, condition));
    sample.push({ condition: condition.expression, failed: count, rows });
  }
  const isOver = ({ condition, failed: count }: (typeof own)[number]): boolean =>
    exceedsThreshold(condition.settings.maxFailing, count, checked);
  const over = own.filter(isOver);
  // Severity may differ between nonNull and rowConditions: a failing condition that must not fail decides.
  const decisive = over.find(({ condition }) => condition.settings.severity === "fail") ?? over[0] ?? own[0];
  const settings = decisive?.condition.settings ?? assertion.settings.all;
  const total = own.reduce((sum, each) => sum + each.failed, 0);
  return {
    ...outcome(assertion, settings, audited.name, { checked, failed: total, sample, durationMs }),
    status: over.length === 0 ? "passed" : settings.severity === "warn" ? "warned" : "failed",
  };
}

function outcome(
  assertion: AssertionAction,
  settings: AssertionSettings,
  relation: RelationName | undefined,
  found: { checked: number | undefined; failed: number; sample: readonly Sample[]; durationMs: number },
): AssertionOutcome {
  const isOver = exceedsThreshold(settings.maxFailing, found.failed, found.checked ?? 0);
  return {
    assertion: assertion.key,
    ...(relation === undefined ? {} : { relation: formatRelation(relation) }),
    status: !isOver ? "passed" : settings.severity === "warn" ? "warned" : "failed",
    severity: settings.severity,
    ...(found.checked === undefined ? {} : { rowsChecked: found.checked }),
    rowsFailed: found.failed,
    threshold: formatThreshold(settings.maxFailing),
    published: true,
    sample: found.sample,
    durationMs: found.durationMs,
  };
}

async function countFailing(session: ActionSession, query: string): Promise<number> {
  const [before = "", after = ""] = queryScan("\0").split("\0");
  const answer = await session.send<{ failed: string }>(aroundUser(before, query, after));
  return Number(answer.rows[0]?.failed);
}

async function countRows(session: ActionSession, relation: RelationName): Promise<number> {
  return Number((await scan(session, conditionScan(relation, [])))["checked"]);
}

async function scan(session: ActionSession, text: string): Promise<Readonly<Record<string, unknown>>> {
  return (await session.query(text)).rows[0] ?? {};
}

async function readSample(
  session: ActionSession,
  settings: AssertionSettings,
  text: string,
): Promise<readonly unknown[]> {
  if (!settings.sample) return [];
  return (await session.query<{ sample: unknown[] }>(text)).rows[0]?.sample ?? [];
}
