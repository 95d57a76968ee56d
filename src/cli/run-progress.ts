import { usesColor, type Effects } from "../base/effects.js";
import { describeError } from "../base/errors.js";
import { formatCount, formatDuration } from "../base/format-quantity.js";
import type { Action } from "../project/action.js";
import type { ActionOutcome, RunOutcome } from "../run/outcome.js";
import type { RunEvent } from "../run/run-options.js";

/** Prints a run: one line an action in Dataform's words, and on a terminal a live line of what is running. */
export class RunProgress {
  private readonly active = new Map<string, number>();
  private done = 0;
  private total = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly started: number;

  constructor(
    private readonly effects: Effects,
    private readonly actions: ReadonlyMap<string, Action>,
    private readonly isQuiet: boolean,
  ) {
    this.started = effects.clock.elapsed();
  }

  readonly onEvent = (event: RunEvent): void => {
    switch (event.type) {
      case "planned":
        this.total = event.total;
        if (this.isLive) this.timer = setInterval(() => this.drawLive(), 100);
        break;
      case "waiting":
        this.effects.stderr.write(`Waiting for another run: ${event.holder}\n`);
        break;
      case "crashed-run":
        this.effects.stderr.write(`Run ${event.runId} had ended without a word; recorded as crashed.\n`);
        break;
      case "started":
        this.active.set(event.key, this.effects.clock.elapsed());
        break;
      case "finished":
        this.active.delete(event.outcome.key);
        this.done = event.done;
        this.print(event.outcome);
        break;
    }
  };

  /** Ends the live line and says how the run went, in one screen. */
  finish(outcome: RunOutcome): void {
    clearInterval(this.timer);
    this.clearLive();
    if (this.isQuiet) return;
    const count = (status: ActionOutcome["status"]): number =>
      outcome.actions.filter((each) => each.status === status).length;
    const counts = (["successful", "failed", "skipped", "cancelled", "disabled"] as const)
      .map((status) => [status, count(status)] as const)
      .filter(([, number]) => number > 0)
      .map(([status, number]) => `${formatCount(number)} ${status}`);
    const warned = outcome.actions.filter((each) => each.assertion?.status === "warned").length;
    if (warned > 0) counts.push(`${formatCount(warned)} with warnings`);
    const seconds = formatDuration(this.effects.clock.elapsed() - this.started);
    const summary = `${counts.length === 0 ? "Nothing to run" : counts.join(", ")} in ${seconds}.`;
    this.effects.stdout.write(
      `\n${this.paint(outcome.status === "successful" ? "green" : "red", summary)}\n`,
    );
    if (outcome.status === "failed")
      this.effects.stdout.write(`Run ${outcome.runId}. After mending: dataform retry\n`);
  }

  private print(outcome: ActionOutcome): void {
    if (this.isQuiet) return;
    this.clearLive();
    this.effects.stdout.write(`${this.lineOf(outcome)}\n`);
    if (outcome.error !== undefined) {
      const text = describeError(outcome.error).replace(/^/gm, "  ");
      this.effects.stderr.write(`${text}\n`);
    }
  }

  private lineOf(outcome: ActionOutcome): string {
    const type = this.typeOf(outcome);
    const name = outcome.kind === "assertion" ? outcome.key : `${outcome.key} [${type}]`;
    switch (outcome.status) {
      case "successful": {
        if (outcome.kind === "assertion") {
          const { assertion } = outcome;
          if (assertion?.status === "warned") {
            return this.paint(
              "yellow",
              `Assertion warned:  ${name}  ${formatCount(assertion.rowsFailed)} failing, allowed ${assertion.threshold}`,
            );
          }
          return this.paint("green", `Assertion passed:  ${name}`) + factsOf(outcome);
        }
        const words =
          outcome.kind === "operations"
            ? "Operation completed successfully:"
            : `${titles[type] ?? "Table"} created:`;
        return this.paint("green", `${words}  ${name}`) + factsOf(outcome);
      }
      case "failed":
        if (outcome.kind === "assertion") return this.paint("red", `Assertion failed:  ${name}`);
        return this.paint(
          "red",
          `${outcome.kind === "operations" ? "Operation failed:" : "Dataset creation failed:"}  ${name}`,
        );
      case "skipped": {
        const what =
          { assertion: "assertion", operations: "operation" }[outcome.kind as string] ?? "dataset creation";
        return this.paint("dim", `Skipping ${what}:  ${name}  (needs ${outcome.because ?? ""})`);
      }
      case "cancelled":
        return this.paint("dim", `Cancelled:  ${name}`);
      case "disabled":
        return this.paint("dim", `Disabled:  ${name}`);
    }
  }

  private typeOf(outcome: ActionOutcome): string {
    const action = this.actions.get(outcome.key);
    return action?.kind === "view" && action.materialized ? "materialized view" : outcome.kind;
  }

  private get isLive(): boolean {
    return this.effects.stderr.isTerminal && !this.isQuiet;
  }

  private drawLive(): void {
    const now = this.effects.clock.elapsed();
    const running = [...this.active]
      .map(([key, since]) => `${key} ${formatDuration(now - since)}`)
      .join(", ");
    const text = `${this.done}/${this.total}  ${running}`.slice(0, this.effects.stderr.columns - 1);
    this.effects.stderr.write(`\r\u001b[2K${text}`);
  }

  private clearLive(): void {
    if (this.isLive) this.effects.stderr.write("\r\u001b[2K");
  }

  private paint(color: "green" | "red" | "yellow" | "dim", text: string): string {
    if (!usesColor(this.effects.stdout, this.effects.env)) return text;
    const code = { green: 32, red: 31, yellow: 33, dim: 2 }[color];
    return `\u001b[${code}m${text}\u001b[0m`;
  }
}

const titles: Readonly<Record<string, string>> = {
  table: "Table",
  view: "View",
  incremental: "Incremental table",
  "materialized view": "Materialized view",
};

/** `  (merge, 1,234 rows, 0.4 s)` */
function factsOf(outcome: ActionOutcome): string {
  const facts: string[] = [];
  if (outcome.path !== undefined && outcome.kind !== "assertion" && outcome.path !== "operations") {
    facts.push(outcome.path);
  }
  if (outcome.rowCount !== undefined && outcome.kind !== "view" && outcome.kind !== "operations") {
    facts.push(`${formatCount(outcome.rowCount)} rows`);
  }
  if (outcome.assertion?.rowsChecked !== undefined)
    facts.push(`${formatCount(outcome.assertion.rowsChecked)} rows checked`);
  if (outcome.startedAt !== undefined) {
    facts.push(formatDuration(outcome.finishedAt.getTime() - outcome.startedAt.getTime()));
  }
  if (outcome.attempts > 1) facts.push(`${outcome.attempts} attempts`);
  return facts.length === 0 ? "" : `  (${facts.join(", ")})`;
}
