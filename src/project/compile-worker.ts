import { createRequire } from "node:module";
import { join, sep } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { asError } from "../base/errors.js";
import type { SourceLocation } from "../base/source-location.js";
import { actionKey } from "./action-graph.js";
import type { Target } from "./compiled-graph.js";
import type { RowConditions, UniqueKey } from "./compiled-project.js";
import { loadCore, type CoreAction, type CoreSession } from "./core-host.js";
import { postgresDialect } from "./dialect.js";
import { errorPlace } from "./error-place.js";
import { normaliseActionsYaml, normaliseExtraProperties } from "./extra-properties.js";
import { finalTarget, testOfFile, testsOfDefinitions } from "./extract-unit-tests.js";
import { sendParts, type GraphPart } from "./graph-parts.js";
import { SqlxCache } from "./sqlx-cache.js";
import { installTag, tagTemplates, type Evaluations } from "./tagged-templates.js";
import type { UnitTest } from "./unit-test.js";
import { watchImpurity } from "./watch-impurity.js";
import type { ThreadMessage } from "./worker-thread.js";

// Runs in a worker thread, so that core's global session, the require hooks and the project's own code leave no trace.

export interface CompileTask {
  readonly projectRoot: string;
  readonly corePath: string;
  readonly dialect: "postgres" | "bigquery";
  /** Encoded CoreExecutionRequest. */
  readonly request: Uint8Array;
  /** Unit tests that core refuses: files relative to the root. */
  readonly testFiles: readonly string[];
  /** Where the JavaScript of SQLX files is kept. */
  readonly sqlxCache: string;
}

export interface CompileAnswer {
  /** Encoded CoreExecutionResponse, without what went ahead as parts; absent when core itself threw. */
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
  /** Absolute paths of all files that the result depends on; absent when it depends on more than files. */
  readonly reads?: readonly string[] | undefined;
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

function run(task: CompileTask, sendPart: (part: GraphPart) => void): CompileAnswer {
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
  let current = "";
  const impurity = watchImpurity();
  const sqlx = new SqlxCache(task.sqlxCache);
  try {
    installTag(evaluations);
    // Core wants to know the calling file even where no file calls (`actions.yaml`), and takes it from here then.
    Object.assign(globalThis, { __dataform_current_file: join(task.projectRoot, "index.js") });
    const core = loadCore(task.projectRoot, task.corePath, {
      onRequired: impurity.onRequired,
      onLoaded(file, source, compile) {
        const code = file.endsWith(".sqlx")
          ? sqlx.codeOf(file, source, () => tagTemplates(file, source, compile()).code)
          : compile();
        current = file;
        files.set(file, source);
        return file.endsWith("actions.yaml") ? normaliseActionsYaml(code) : code;
      },
    });
    const { session } = core;
    compiler = core.compiler;
    session.compileError = (thrown, file, target) => {
      errors.push({ ...describe(thrown), ...(file ? { file } : {}), ...(target ? { target } : {}) });
    };
    normaliseExtraProperties(session);
    nameFile(session, () => current);
    if (task.dialect === "postgres") {
      session.compilationSql = () =>
        postgresDialect(session.projectConfig, (sql, structure) => assertions.set(sql, structure));
    }
    const declared = takeGraph(session, sendPart);
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
    sqlx.write();
    return { ...answer, response, reads: impurity.reads() };
  } catch (thrown) {
    errors.push(describe(thrown));
    return answer;
  }
}

/** Tells core the file of an SQLX action, which it would find in the stack, 25 microseconds later. */
function nameFile(session: CoreSession, current: () => string): void {
  const sqlxAction = session.sqlxAction.bind(session);
  session.sqlxAction = (action) => {
    const file = current();
    if (!file.endsWith(".sqlx")) return sqlxAction(action);
    return sqlxAction({
      ...action,
      sqlxConfig: { filename: file.split("/").join(sep), ...action.sqlxConfig },
    });
  };
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

/** Notes the keys of all declarations, and sends the long lists of the graph ahead. */
function takeGraph(session: CoreSession, send: (part: GraphPart) => void): ReadonlySet<string> {
  const declared = new Set<string>();
  const compile = session.compile.bind(session);
  session.compile = () => {
    const graph = compile();
    for (const { target } of graph.declarations) declared.add(actionKey(target));
    return sendParts(graph, send);
  };
  return declared;
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
  port.once("message", (task: CompileTask) => send({ answer: run(task, (part) => send({ part })) }));
}
