import { Worker } from "node:worker_threads";
import { builtFile } from "../base/built-file.js";
import { AquiferError } from "../base/errors.js";

/** What a thread may be limited by, and who hears what it prints. */
export interface ThreadOptions {
  /** What the thread does, for messages: "Compilation". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly onOutput?: (text: string) => void;
  /** Takes a part of the answer that the thread sends ahead. */
  readonly onPart?: (part: unknown) => void;
  /** Answers what the thread asks for; the answer is sent back to it. */
  readonly onCall?: (call: unknown) => Promise<unknown>;
}

/** What a thread sends: text that its code printed, parts of its answer, what it asks for, and at the end its answer. */
export type ThreadMessage<Answer> =
  | { readonly output: string }
  | { readonly part: unknown }
  | { readonly call: unknown }
  | { readonly answer: Answer };

/** A thread that runs a project's own code: it may print, throw, never end, or end the thread. */
export interface ProjectThread<Task, Answer> {
  /** Hands over the task; the thread is ended after its answer. */
  run(task: Task): Promise<Answer>;
}

/**
 * Starts a module of this package in a thread of its own, which loads while the caller prepares the task.
 *
 * @param module such as `project/compile-worker.js`
 */
export function startThread<Task, Answer>(
  module: string,
  workerData: unknown,
  options: ThreadOptions,
): ProjectThread<Task, Answer> {
  const worker = new Worker(builtFile(module), { workerData, stdout: true, stderr: true });
  const answer = new Promise<Answer>((resolve, reject) => {
    let isOver = false;
    const finish = (act: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
      // Its memory is given back before the answer takes more.
      void worker.terminate().then(act);
    };
    const onAbort = (): void =>
      finish(() => reject(new AquiferError("Interrupted", { code: "interrupted", exitCode: 130 })));
    const timer = setTimeout(() => finish(() => reject(timedOut(options))), options.timeoutMs);
    worker.on("message", (message: ThreadMessage<Answer>) => {
      if ("output" in message) options.onOutput?.(message.output);
      else if ("part" in message) options.onPart?.(message.part);
      else if ("call" in message)
        void options.onCall?.(message.call).then((result) => worker.postMessage(result));
      else finish(() => resolve(message.answer));
    });
    worker.once("error", (error) => finish(() => reject(error)));
    worker.once("exit", (code) => finish(() => reject(ended(options, code))));
    if (options.signal?.aborted === true) onAbort();
    else options.signal?.addEventListener("abort", onAbort, { once: true });
  });
  // Without a task nobody awaits the answer: the caller's own error is told.
  answer.catch(() => undefined);
  return {
    run(task) {
      worker.postMessage(task);
      return answer;
    },
  };
}

function timedOut({ what, timeoutMs }: ThreadOptions): AquiferError {
  return new AquiferError(`${what} timed out after ${timeoutMs / 1000} seconds`, {
    code: "compile-timeout",
    hint: "Give it more time with --timeout, or look for an endless loop in a js block or in includes/.",
  });
}

function ended({ what }: ThreadOptions, code: number): AquiferError {
  return new AquiferError(`${what} was ended by the project's own code (exit code ${code})`, {
    code: "compile-ended",
    hint: "Look for process.exit in js blocks and includes/.",
  });
}
