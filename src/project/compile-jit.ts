import { AquiferError, asError } from "../base/errors.js";
import { quoteLiteral } from "../base/identifiers.js";
import { actionGraph, type ActionNode } from "./action-graph.js";
import type { CompiledProject } from "./compiled-project.js";
import { coreProtos, type CoreProtos } from "./core-protos.js";
import { findCore } from "./find-core.js";
import {
  dialectHook,
  type JitAnswer,
  type JitCall,
  type JitCallResult,
  type JitRelation,
  type JitTask,
} from "./jit-worker.js";
import { structFromPlain } from "./struct.js";
import { startThread } from "./worker-thread.js";

export interface JitTableResult {
  readonly query?: string;
  readonly preOps?: readonly string[];
  readonly postOps?: readonly string[];
}

/** The SQL that just-in-time code made, by the kind of its action. */
export type JitResult =
  | { readonly kind: "table"; readonly table: JitTableResult }
  | { readonly kind: "incremental"; readonly regular: JitTableResult; readonly incremental: JitTableResult }
  | { readonly kind: "operation"; readonly queries: readonly string[] }
  | { readonly kind: "assertion"; readonly query: string };

export interface JitOptions {
  /** Runs a statement for the code; its rows, whose values are JSON. */
  readonly query: (statement: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  readonly runId: string;
  readonly startedAt: Date;
  /** Keys of the actions of this run. */
  readonly runs: readonly string[];
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onOutput?: (text: string) => void;
}

/**
 * Runs the just-in-time code of an action (`publish(...).jitCode(async ctx => ...)`) with core's own compiler and PostgreSQL's
 * `ref`. The code may ask the database through `ctx.adapter.execute({ statement })`, `listTables` and `getTable`.
 *
 * @param key of an action of `project.graph` that has `jitCode`
 * @throws AquiferError `jit` at the call that defines the action
 * @example
 * const result = await compileJit(project, "gold.sales", { query, runId, startedAt, runs: ["gold.sales"] });
 */
export async function compileJit(
  project: CompiledProject,
  key: string,
  options: JitOptions,
): Promise<JitResult> {
  const node = actionGraph(project.graph).get(key);
  if (node === undefined) throw new Error(`${key} is no action`);
  const corePath = findCore(project.root);
  const protos = coreProtos(corePath);
  const thread = startThread<JitTask, JitAnswer>("project/jit-worker.js", undefined, {
    what: `Just-in-time compilation of ${key}`,
    timeoutMs: options.timeoutMs ?? 60_000,
    onCall: (call) => answerCall(call as JitCall, protos, options),
    ...(options.signal ? { signal: options.signal } : {}),
    ...(options.onOutput ? { onOutput: options.onOutput } : {}),
  });
  const answer = await thread.run({
    projectRoot: project.root,
    corePath,
    relations: relationsOf(project, node),
    request: protos.encode("JitCompilationRequest", jitRequest(project, node, options)),
  });
  if (answer.response === undefined) throw jitError(project, node, answer.error ?? "");
  return readResult(protos.decode("JitCompilationResponse", answer.response));
}

function relationsOf(project: CompiledProject, node: ActionNode): JitRelation[] {
  const nodes = actionGraph(project.graph);
  return [node, ...[...node.dependencies].flatMap((key) => nodes.get(key) ?? [])].map(({ action }) => ({
    target: action.target,
    canonicalTarget: action.canonicalTarget ?? action.target,
  }));
}

function jitRequest(project: CompiledProject, node: ActionNode, options: JitOptions): object {
  const { target, dependencyTargets = [], jitCode = "" } = node.action;
  const nodes = actionGraph(project.graph);
  return {
    target,
    dependencies: dependencyTargets,
    jitCode: `(context) => (${jitCode})(globalThis.${dialectHook}(context))`,
    jitData: project.graph.jitData ?? {},
    compilationTargetType: `JIT_COMPILATION_TARGET_TYPE_${targetType(node)}`,
    executionData: {
      runTargets: options.runs.flatMap((each) => nodes.get(each)?.action.target ?? []),
      executionId: options.runId,
      executionStartTime: { seconds: Math.floor(options.startedAt.getTime() / 1000) },
    },
  };
}

function targetType(node: ActionNode): string {
  if (node.kind === "operation" || node.kind === "assertion") return node.kind.toUpperCase();
  return node.kind === "table" && node.action.enumType === "INCREMENTAL" ? "INCREMENTAL_TABLE" : "TABLE";
}

function readResult(decoded: object): JitResult {
  const { table, incrementalTable, operation, assertion } = decoded as {
    table?: JitTableResult;
    incrementalTable?: { regular?: JitTableResult; incremental?: JitTableResult };
    operation?: { queries?: string[] };
    assertion?: { query?: string };
  };
  if (incrementalTable) {
    const { regular = {}, incremental = {} } = incrementalTable;
    return { kind: "incremental", regular, incremental };
  }
  if (operation) return { kind: "operation", queries: operation.queries ?? [] };
  if (assertion) return { kind: "assertion", query: assertion.query ?? "" };
  return { kind: "table", table: table ?? {} };
}

function jitError(project: CompiledProject, node: ActionNode, message: string): AquiferError {
  const location =
    project.definedAt[node.key] ?? (node.action.fileName ? { file: node.action.fileName } : undefined);
  return new AquiferError(`${node.key}: ${message}`, { code: "jit", ...(location ? { location } : {}) });
}

async function answerCall(call: JitCall, protos: CoreProtos, options: JitOptions): Promise<JitCallResult> {
  try {
    return { id: call.id, response: await callDatabase(call, protos, options) };
  } catch (thrown) {
    return { id: call.id, error: asError(thrown).message };
  }
}

/** The methods of core's `DbAdapter` service. */
async function callDatabase(
  { method, request }: JitCall,
  protos: CoreProtos,
  { query }: JitOptions,
): Promise<Uint8Array> {
  switch (method) {
    case "Execute": {
      const { statement = "", params } = protos.decode("ExecuteRequest", request) as {
        statement?: string;
        params?: { fields?: object };
      };
      if (Object.keys(params?.fields ?? {}).length > 0) {
        throw new Error("Parameters by name are BigQuery's; put the values into the statement");
      }
      const rows = await query(statement);
      return protos.encode("ExecuteResponse", { rows: rows.map((row) => structFromPlain(row)) });
    }
    case "ListTables": {
      const { schema = "" } = protos.decode("ListTablesRequest", request) as { schema?: string };
      return protos.encode("ListTablesResponse", { tables: await tables(query, { schema }) });
    }
    case "GetTable": {
      const { target } = protos.decode("GetTableRequest", request) as {
        target?: { schema?: string; name?: string };
      };
      const [table] = await tables(query, { schema: target?.schema ?? "", name: target?.name ?? "" });
      if (table === undefined)
        throw new Error(`There is no table ${target?.schema ?? ""}.${target?.name ?? ""}`);
      return protos.encode("TableMetadata", table);
    }
    default:
      throw new Error(`Just-in-time code may not call ${method}: it makes SQL, and the run executes it`);
  }
}

/** TableMetadata of the tables and views of a schema. */
async function tables(
  query: JitOptions["query"],
  wanted: { readonly schema: string; readonly name?: string },
): Promise<object[]> {
  const rows = await query(`select c.table_schema, c.table_name, t.table_type, c.column_name, c.data_type
from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
where c.table_schema = ${quoteLiteral(wanted.schema)}${
    wanted.name === undefined ? "" : ` and c.table_name = ${quoteLiteral(wanted.name)}`
  }
order by c.table_schema, c.table_name, c.ordinal_position`);
  const found = new Map<
    string,
    { readonly target: object; readonly type: string; readonly fields: object[] }
  >();
  for (const row of rows) {
    const name = String(row["table_name"]);
    const table = found.get(name) ?? {
      target: { schema: row["table_schema"], name },
      type: row["table_type"] === "VIEW" ? "VIEW" : "TABLE",
      fields: [],
    };
    table.fields.push({ name: row["column_name"], primitive: primitives[String(row["data_type"])] ?? "ANY" });
    found.set(name, table);
  }
  return [...found.values()];
}

/** Core's names for PostgreSQL's types. */
const primitives: Readonly<Record<string, string>> = {
  smallint: "INTEGER",
  integer: "INTEGER",
  bigint: "INTEGER",
  real: "FLOAT",
  "double precision": "FLOAT",
  numeric: "NUMERIC",
  boolean: "BOOLEAN",
  text: "STRING",
  "character varying": "STRING",
  character: "STRING",
  uuid: "STRING",
  date: "DATE",
  "timestamp without time zone": "DATETIME",
  "timestamp with time zone": "TIMESTAMP",
  "time without time zone": "TIME",
  bytea: "BYTES",
  json: "JSON",
  jsonb: "JSON",
  interval: "INTERVAL",
};
