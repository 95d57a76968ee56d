import { formatLocation, type SourceLocation } from "./source-location.js";

/** Exit codes of the command line: what a script can branch on. */
export const exitCodes = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface AquiferErrorOptions {
  /** Stable, lower-case, for scripts and tests: `unknown-ref`, `ragged-row`. */
  readonly code: string;
  /** What the user can do now, as one sentence. */
  readonly hint?: string;
  readonly location?: SourceLocation;
  /** The lines around the location, see `excerpt`. */
  readonly excerpt?: string;
  /** Further facts: the server's detail, what was looked for. */
  readonly details?: readonly string[];
  readonly exitCode?: ExitCode;
  readonly cause?: unknown;
}

/**
 * The one error class for what a user can cause and mend. Anything else that is thrown is a defect of ours and is
 * printed with its stack.
 *
 * @example
 * throw new AquiferError('No source reads "x.csv"', { code: "unknown-file", hint: "Name it like orders/*.csv." });
 */
export class AquiferError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly location: SourceLocation | undefined;
  readonly excerpt: string | undefined;
  readonly details: readonly string[];
  readonly exitCode: ExitCode;

  constructor(message: string, options: AquiferErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AquiferError";
    this.code = options.code;
    this.hint = options.hint;
    this.location = options.location;
    this.excerpt = options.excerpt;
    this.details = options.details ?? [];
    this.exitCode = options.exitCode ?? exitCodes.failure;
  }
}

/** Several errors found in one pass, so that a user mends them all at once. */
export class AquiferErrors extends AquiferError {
  constructor(
    message: string,
    readonly errors: readonly AquiferError[],
    options: AquiferErrorOptions,
  ) {
    super(message, options);
    this.name = "AquiferErrors";
  }
}

/** The text of an error for a person: place, message, excerpt, details, hint. No stack. */
export function describeError(error: AquiferError): string {
  const head = error.location ? `${formatLocation(error.location)}: ${error.message}` : error.message;
  const parts = [head];
  if (error.excerpt !== undefined) parts.push(indent(error.excerpt));
  for (const detail of error.details) parts.push(indent(detail));
  if (error.hint !== undefined) parts.push(indent(`hint: ${error.hint}`));
  if (error instanceof AquiferErrors) for (const each of error.errors) parts.push(describeError(each));
  return parts.join("\n");
}

/** What was thrown, as an Error: JavaScript may throw anything. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}
