import { randomUUID } from "node:crypto";
import type { Effects, Writer } from "../base/effects.js";
import { exitCodes } from "../base/errors.js";

/** The effects of a real process. The first SIGINT or SIGTERM aborts `signal`; the second one ends the process at once. */
export function processEffects(): { effects: Effects; interrupted: () => boolean } {
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(exitCodes.interrupted);
      abort.abort(name);
    });
  }
  const effects: Effects = {
    stdout: writer(process.stdout),
    stderr: writer(process.stderr),
    clock: { now: () => new Date(), elapsed: () => performance.now() },
    env: process.env,
    newId: randomUUID,
    signal: abort.signal,
  };
  return { effects, interrupted: () => abort.signal.aborted };
}

function writer(stream: NodeJS.WriteStream): Writer {
  // A reader that goes away (`dataform compile --json | head`) is no error of ours.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.success);
    throw error;
  });
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY,
    get columns() {
      return stream.columns || 80;
    },
  };
}
