import { createRequire } from "node:module";
import { join } from "node:path";
import { parentPort } from "node:worker_threads";
import { asError } from "../base/errors.js";
import { quoteIdentifier } from "../base/identifiers.js";
import type { Target } from "./compiled-graph.js";
import { loadCore } from "./core-host.js";
import { referenceTarget, type Reference } from "./reference.js";

// Runs the project's just-in-time code in a thread of its own; what that code asks of the database goes to the main thread.

export interface JitTask {
  readonly projectRoot: string;
  readonly corePath: string;
  /** Encoded JitCompilationRequest. */
  readonly request: Uint8Array;
  /** The action itself, then what it may refer to. */
  readonly relations: readonly JitRelation[];
}

export interface JitRelation {
  readonly target: Target;
  /** Before the project's schema suffix and table prefix; the code may use either. */
  readonly canonicalTarget: Target;
}

export interface JitAnswer {
  /** Encoded JitCompilationResponse. */
  readonly response?: Uint8Array;
  readonly error?: string;
}

/** A call of core's DbAdapter, encoded by its protos. */
export interface JitCall {
  readonly id: number;
  readonly method: string;
  readonly request: Uint8Array;
}

export interface JitCallResult {
  readonly id: number;
  readonly response?: Uint8Array;
  readonly error?: string;
}

type Callback = (error: Error | null, response: Uint8Array) => void;

interface JitCore {
  readonly jitCompiler: (callback: (method: string, request: Uint8Array, callback: Callback) => void) => {
    compile(request: Uint8Array): Promise<Uint8Array>;
  };
}

/** The name under which the wrapped code finds `withDialect`; see `jitSource`. */
export const dialectHook = "__aquiferJitContext";

const port = parentPort;
if (port !== null) {
  const waiting = new Map<number, Callback>();
  let calls = 0;
  port.on("message", (message: JitTask | JitCallResult) => {
    if ("id" in message) {
      const callback = waiting.get(message.id);
      waiting.delete(message.id);
      callback?.(
        message.error === undefined ? null : new Error(message.error),
        message.response ?? new Uint8Array(),
      );
      return;
    }
    const call = (method: string, request: Uint8Array, callback: Callback): void => {
      calls += 1;
      waiting.set(calls, callback);
      // A copy: protobuf's buffer may be part of a larger pool.
      port.postMessage({ call: { id: calls, method, request: Uint8Array.from(request) } satisfies JitCall });
    };
    for (const stream of [process.stdout, process.stderr]) {
      stream.write = (text: string | Uint8Array) => {
        port.postMessage({ output: typeof text === "string" ? text : Buffer.from(text).toString() });
        return true;
      };
    }
    compile(message, call).then(
      (answer) => port.postMessage({ answer }),
      (thrown: unknown) => port.postMessage({ answer: { error: asError(thrown).message } }),
    );
  });
}

async function compile(
  task: JitTask,
  call: (method: string, request: Uint8Array, callback: Callback) => void,
): Promise<JitAnswer> {
  const core = loadCore(task.projectRoot, task.corePath);
  Object.assign(globalThis, {
    require: createRequire(join(task.projectRoot, "index.js")),
    [dialectHook]: (context: object) => withDialect(context, task),
  });
  const { jitCompiler } = core as unknown as JitCore;
  return { response: await jitCompiler(call).compile(task.request) };
}

/** Core's context, but `ref`, `resolve` and `self` name relations as PostgreSQL does. */
function withDialect(context: object, { relations }: JitTask): object {
  const [self] = relations;
  const resolve = (...parts: Reference[]): string => {
    const wanted = referenceTarget(parts);
    const isMeant = (each: Target): boolean =>
      each.name === wanted.name && (!wanted.schema || each.schema === wanted.schema);
    const [only, other] = relations.filter((each) => isMeant(each.target) || isMeant(each.canonicalTarget));
    const name = `${wanted.schema ? `${wanted.schema}.` : ""}${wanted.name ?? ""}`;
    if (only === undefined) {
      throw new Error(
        `"${name}" is no dependency of this action: just-in-time code must declare what it reads`,
      );
    }
    if (other !== undefined) {
      throw new Error(`Several dependencies are named "${name}": name the schema too`);
    }
    return relation(only.target);
  };
  return Object.assign(context, { resolve, ref: resolve, self: () => relation(self?.target ?? {}) });
}

function relation({ schema = "", name = "" }: Target): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
