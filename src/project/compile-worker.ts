import { parentPort, workerData } from "node:worker_threads";
import { asError } from "../base/errors.js";
import type { RowConditions, UniqueKey } from "./compiled-project.js";
import type { Target } from "./compiled-graph.js";
import { createRequire } from "node:module";
import { join } from "node:path";
import { actionKey } from "./action-graph.js";
import { loadCore, type CoreAction, type CoreSession } from "./core-host.js";
import { postgresDialect } from "./dialect.js";
import { finalTarget, testOfFile, testsOfDefinitions } from "./extract-unit-tests.js";
import { errorPlace } from "./error-place.js";
import { installTag, tagTemplates, type Evaluations } from "./tagged-templates.js";
import type { SourceLocation } from "../base/source-location.js";
import { structFromPlain } from "./struct.js";
import type { ThreadMessage } from "./worker-thread.js";
import type { UnitTest } from "./unit-test.js";

// Runs in a worker thread, so that core's global session, the require hooks and the project's own code leave no trace.

export interface CompileTask {
  readonly projectRoot: string;
  readonly corePath: string;
  readonly dialect: "postgres" | "bigquery";
  /** Encoded CoreExecutionRequest. */
  readonly request: Uint8Array;
  /** Unit tests that core refuses: files relative to the root. */
  readonly testFiles: readonly string[];
}

export interface CompileAnswer {
  /** Encoded CoreExecutionResponse; absent when core itself threw. */
  readonly response?: Uint8Array;
  readonly errors: readonly CoreError[];
  /** Structure of each assertion the dialect wrote, by its SQL. */
  readonly assertions: ReadonlyMap<string, UniqueKey | RowConditions>;
  readonly unitTests: readonly UnitTest[];
  readonly evaluations: Evaluations;
  /** Where an action was made by JavaScript, by its key. */
  readonly definedAt: ReadonlyMap<string, SourceLocation>;
  /** Text of each project file that was loaded, by path relative to the root. */
  readonly files: ReadonlyMap<string, string>;
}

/** An error as core reported it. */
export interface CoreError {
  readonly message: string;
  /** Where the error arose, as far as V8's stack tells. */
  readonly place?: SourceLocation;
  /** The file core blames, if it knows one. */
  readonly file?: string;
  readonly target?: Target;
}

function run(task: CompileTask): CompileAnswer {
  Error.stackTraceLimit = 50;
  const errors: CoreError[] = [];
  const assertions = new Map<string, UniqueKey | RowConditions>();
  const files = new Map<string, string>();
  const unitTests: UnitTest[] = [];
  const evaluations: Evaluations = new Map();
  const definedAt = new Map<string, SourceLocation>();
  const answer = { errors, assertions, files, unitTests, evaluations, definedAt };
  let compiler: ((code: string, path: string) => string) | undefined;
  const describe = (thrown: unknown): Pick<CoreError, "message" | "place"> => {
    const error = asError(thrown);
    const place = compiler && errorPlace(task.projectRoot, error.stack ?? "", compiler);
    const message = error.name === "SyntaxError" ? `Syntax error: ${error.message}` : error.message;
    return { message, ...(place ? { place } : {}) };
  };
  try {
    installTag(evaluations);
    // Core wants to know the calling file even where no file calls (`actions.yaml`), and takes it from here then.
    Object.assign(globalThis, { __dataform_current_file: join(task.projectRoot, "index.js") });
    const core = loadCore(task.projectRoot, task.corePath, (file, source, compiled) => {
      files.set(file, source);
      return file.endsWith(".sqlx") ? tagTemplates(file, source, compiled).code : compiled;
    });
    const { session } = core;
    compiler = core.compiler;
    session.compileError = (thrown, file, target) => {
      errors.push({ ...describe(thrown), ...(file ? { file } : {}), ...(target ? { target } : {}) });
    };
    normaliseExtraProperties(session);
    if (task.dialect === "postgres") {
      session.compilationSql = () =>
        postgresDialect(session.projectConfig, (sql, structure) => assertions.set(sql, structure));
    }
    const declared = rememberDeclared(session);
    const calls = rememberCalls(session, () => describe(new Error()).place);
    const response = core.main(task.request);
    for (const { action, place } of calls)
      definedAt.set(actionKey(finalTarget({ session, declared }, action)), place);
    if (errors.length === 0) unitTests.push(...testsOfDefinitions({ session, declared }));
    for (const file of task.testFiles) {
      try {
        session.sqlxAction = (action) => void unitTests.push(testOfFile({ session, declared }, file, action));
        createRequire(join(task.projectRoot, file))(join(task.projectRoot, file));
      } catch (thrown) {
        errors.push({ ...describe(thrown), file });
      }
    }
    return { ...answer, response };
  } catch (thrown) {
    errors.push(describe(thrown));
    return answer;
  }
}

/** Where each action of the JavaScript API was made. */
function rememberCalls(
  session: CoreSession,
  here: () => SourceLocation | undefined,
): { action: CoreAction; place: SourceLocation }[] {
  const calls: { action: CoreAction; place: SourceLocation }[] = [];
  let depth = 0;
  // Core calls these itself, from SQLX files and for inline assertions: only the outermost call is the project's.
  const nested = <T>(body: () => T): T => {
    depth += 1;
    try {
      return body();
    } finally {
      depth -= 1;
    }
  };
  for (const method of ["publish", "operate", "assert", "declare"] as const) {
    const call = session[method].bind(session);
    session[method] = (first: never, second?: unknown) => {
      const place = depth === 0 ? here() : undefined;
      const action = nested(() => call(first, second));
      if (place) calls.push({ action, place });
      return action;
    };
  }
  const sqlxAction = session.sqlxAction.bind(session);
  session.sqlxAction = (action) => nested(() => sqlxAction(action));
  return calls;
}

function rememberDeclared(session: CoreSession): ReadonlySet<string> {
  const declared = new Set<string>();
  const compile = session.compile.bind(session);
  session.compile = () => {
    const graph = compile();
    for (const { target } of graph.declarations) declared.add(actionKey(target));
    return graph;
  };
  return declared;
}

/**
 * Core takes a plain object for `metadata.extraProperties` in most configs, but on some (an incremental table with
 * `onSchemaChange`) only protobuf's own form; so it always gets that one.
 */
function normaliseExtraProperties(session: CoreSession): void {
  const sqlxAction = session.sqlxAction.bind(session);
  session.sqlxAction = (action) => sqlxAction({ ...action, sqlxConfig: normalised(action.sqlxConfig) });
  const publish = session.publish.bind(session);
  session.publish = (name, config) => publish(name, isConfig(config) ? normalised(config) : config);
  const assert = session.assert.bind(session);
  session.assert = (name, config) => assert(name, isConfig(config) ? normalised(config) : config);
}

function normalised(config: Record<string, unknown>): Record<string, unknown> {
  const metadata = config["metadata"];
  if (!isConfig(metadata) || !isConfig(metadata["extraProperties"])) return config;
  return {
    ...config,
    metadata: { ...metadata, extraProperties: structFromPlain(metadata["extraProperties"]) },
  };
}

function isConfig(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const port = parentPort;
if (port !== null) {
  const send = (message: ThreadMessage<CompileAnswer>): void => port.postMessage(message);
  // By message, not by stream: so it is there before the answer, and even if the code never ends.
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (text: string | Uint8Array) => {
      send({ output: typeof text === "string" ? text : Buffer.from(text).toString() });
      return true;
    };
  }
  createRequire(import.meta.url)(workerData as string);
  port.once("message", (task: CompileTask) => send({ answer: run(task) }));
}
