import { quoteIdentifier } from "../base/identifiers.js";
import { actionKey } from "./action-graph.js";
import type { Target } from "./compiled-graph.js";
import type { CoreAction, CoreSession, SqlxAction } from "./core-host.js";
import { referenceTarget, type Reference } from "./reference.js";
import type { UnitTest, UnitTestInput } from "./unit-test.js";

// Runs in the compiler's thread, where the project's own functions still exist.

/** A test before its references are resolved: from `definitions/` (core's object) or from `tests/models/` (ours). */
interface TestSource {
  readonly name: string;
  readonly file: string;
  readonly tags: readonly string[];
  readonly dataset: Target;
  readonly inputs: readonly { readonly reference: Target; readonly evaluate: () => string }[];
  readonly expected: () => string;
}

export interface TestHost {
  readonly session: CoreSession;
  /** Keys of the declarations, whose names take no prefix or suffix. */
  readonly declared: ReadonlySet<string>;
}

/** The tests under `definitions/`, whose errors core has reported already. */
export function testsOfDefinitions(host: TestHost): UnitTest[] {
  return host.session.tests.flatMap((test) => {
    const { testTarget, proto } = test;
    if (testTarget === undefined || !proto.name) return [];
    const source: TestSource = {
      name: proto.name,
      file: proto.fileName ?? "",
      tags: proto.tags ?? [],
      dataset: testTarget,
      inputs: [...test.contextableInputs].map(([key, contextable]) => ({
        reference: JSON.parse(key) as Target,
        evaluate: () => evaluate(contextable, {}),
      })),
      expected: () => evaluate(test.contextableQuery, {}),
    };
    return find(host, testTarget)?.action.contextableQuery === undefined ? [] : [extract(host, source)];
  });
}

/**
 * A test of an incremental model, in a file of `tests/models/`, which core never sees because it refuses such tests.
 *
 * @throws Error when the file is no test, or its model is unknown
 */
export function testOfFile(host: TestHost, file: string, action: SqlxAction): UnitTest {
  const { sqlxConfig } = action;
  if (sqlxConfig["type"] !== "test")
    throw new Error('Files in tests/models must have config { type: "test", ... }');
  const dataset = sqlxConfig["dataset"] as Reference | undefined;
  if (dataset === undefined) throw new Error("Tests must operate upon a specified dataset.");
  const target = referenceTarget([dataset]);
  if (find(host, target)?.action.contextableQuery === undefined) {
    throw new Error(`Dataset ${JSON.stringify(dataset)} could not be found.`);
  }
  const tags = sqlxConfig["tags"];
  return extract(host, {
    name: String(sqlxConfig["name"]),
    file,
    tags: Array.isArray(tags) ? tags.map(String) : [],
    dataset: target,
    inputs: (action.inputContextables ?? []).map((input) => ({
      reference: referenceTarget(input.refName),
      evaluate: () => input.contextable({}),
    })),
    expected: () => action.sqlContextable({})[0] ?? "",
  });
}

function extract(host: TestHost, source: TestSource): UnitTest {
  const model = find(host, source.dataset);
  const target = model?.target ?? source.dataset;
  const incremental = model?.action.proto?.type === "incremental";
  const taken = new Set<string>(incremental ? [target.name ?? ""] : []);
  const bindings = source.inputs.map(({ reference, evaluate: sql }) => {
    const isSelf = incremental && reference.name === "self" && !reference.schema;
    const found = isSelf ? undefined : find(host, reference)?.target;
    const relation = isSelf ? (target.name ?? "") : unusedName((found ?? reference).name ?? "", taken);
    const input: UnitTestInput = { relation, sql: sql(), isSelf, ...(found ? { target: found } : {}) };
    return { reference, input };
  });
  const inputs = bindings.map((binding) => binding.input);
  const resolve = (...parts: unknown[]): string => {
    const wanted = referenceTarget(parts as Reference[]);
    const read = find(host, wanted)?.target;
    const binding = bindings.find(({ reference, input }) =>
      input.target && read
        ? actionKey(input.target) === actionKey(read)
        : actionKey(reference) === actionKey(wanted),
    );
    if (binding) return temporary(binding.input.relation);
    const given = bindings.map(({ reference }) => reference.name).join(", ") || "none";
    throw new Error(`Input for dataset "${wanted.name}" has not been provided. Provided inputs: ${given}`);
  };
  const nothing = (): string => "";
  const context = {
    ref: resolve,
    resolve,
    self: () => temporary(target.name ?? ""),
    name: () => target.name ?? "",
    schema: () => target.schema ?? "",
    database: nothing,
    incremental: () => inputs.some((input) => input.isSelf),
    when: (condition: boolean, yes: string, no = "") => (condition ? yes : no),
    config: nothing,
    type: nothing,
    where: nothing,
    preOps: nothing,
    postOps: nothing,
    disabled: nothing,
    dependencies: nothing,
    tags: nothing,
    bigquery: nothing,
  };
  return {
    name: source.name,
    file: source.file,
    tags: source.tags,
    target,
    inputs,
    query: evaluate(model?.action.contextableQuery, context),
    expectedSql: source.expected(),
    incremental,
  };
}

/** Two inputs of one name in different schemas get different temporary tables. */
function unusedName(name: string, taken: Set<string>): string {
  let unused = name;
  for (let number = 2; taken.has(unused); number++) unused = `${name}_${number}`;
  taken.add(unused);
  return unused;
}

/** The action that a reference means, its final target, and what kind it is. */
function find(host: TestHost, reference: Target): { action: CoreAction; target: Target } | undefined {
  const actions = host.session.indexedActions.find(reference);
  const action = actions.find((each) => !host.session.tests.some((test: unknown) => test === each));
  if (action === undefined) return undefined;
  return { action, target: finalTarget(host, action) };
}

/** The target with the project's suffix and prefix, as in the compiled graph. */
export function finalTarget({ session, declared }: TestHost, action: CoreAction): Target {
  const { schema = "", name = "" } = action.getTarget();
  if (declared.has(actionKey({ schema, name }))) return { schema, name };
  return { schema: session.finalizeSchema(schema), name: session.finalizeName(name) };
}

function temporary(relation: string): string {
  return `pg_temp.${quoteIdentifier(relation)}`;
}

/** Core's "contextable": a value, or a function of the context. */
function evaluate(contextable: unknown, context: object): string {
  return String(
    typeof contextable === "function" ? (contextable as (context: object) => unknown)(context) : contextable,
  );
}
