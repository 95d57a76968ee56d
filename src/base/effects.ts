/** Where text goes. */
export interface Writer {
  write(text: string): void;
  /** True when a person watches: colour and live progress are welcome. */
  readonly isTerminal: boolean;
  /** Width in characters; 80 where unknown. */
  readonly columns: number;
}

export interface Clock {
  now(): Date;
  /** Milliseconds since an arbitrary start, for durations. */
  elapsed(): number;
}

/**
 * Everything outside the program that a command may touch, handed in so that tests run silently and repeatably.
 */
export interface Effects {
  readonly stdout: Writer;
  readonly stderr: Writer;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Random id of a run or batch (UUID). */
  readonly newId: () => string;
  /** Aborted by SIGINT or SIGTERM: stop what runs, roll back, record, exit 130. */
  readonly signal: AbortSignal;
}

/** True when colour may be written: a terminal, and NO_COLOR is not set. */
export function usesColor(writer: Writer, env: Effects["env"]): boolean {
  return writer.isTerminal && (env["NO_COLOR"] ?? "") === "";
}
