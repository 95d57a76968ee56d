import type { Effects, Writer } from "../../src/base/effects.js";
import type { ExitCode } from "../../src/base/errors.js";
import { runCommandLine } from "../../src/cli/main.js";

/** What a command line did. */
export interface CommandResult {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process, silently, with the effects of no terminal. */
export async function dataform(
  argv: readonly string[],
  options: {
    readonly cwd: string;
    readonly env?: Effects["env"];
    readonly signal?: AbortSignal;
    /** Hears what is written, as it is written. */
    readonly onOutput?: (text: string) => void;
  },
): Promise<CommandResult> {
  const stdout = collector(options.onOutput);
  const stderr = collector(options.onOutput);
  const effects: Effects = {
    stdout,
    stderr,
    clock: { now: () => new Date(), elapsed: () => performance.now() },
    env: options.env ?? {},
    newId: () => crypto.randomUUID(),
    signal: options.signal ?? new AbortController().signal,
  };
  const exitCode = await runCommandLine(argv, { effects, cwd: options.cwd });
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

function collector(onOutput?: (text: string) => void): Writer & { text(): string } {
  let text = "";
  const write = (more: string): void => {
    text += more;
    onOutput?.(more);
  };
  return { write, isTerminal: false, columns: 80, text: () => text };
}
