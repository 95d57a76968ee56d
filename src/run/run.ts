import { appendRunStatus, actionRecordStatement } from "../history/run-store.js";
import { attemptAction } from "./action-attempts.js";
import { assertionError } from "./assertion-error.js";
import { makeRunContext, type RunContextInputs } from "./make-run-context.js";
import { actionRecord } from "./outcome-record.js";
import type { ActionOutcome, RunOutcome, RunStatus } from "./outcome.js";
import type { RunContext, RunnableAction } from "./run-context.js";
import { RunningBackends } from "./running-backends.js";
import { Scheduler } from "./scheduler.js";

/** One run while it goes on: starts actions as they become ready, and keeps what became of each. */
export class Run {
  private readonly outcomes: ActionOutcome[] = [];
  private readonly scheduler: Scheduler;
  private readonly stop = new AbortController();
  private readonly backends: RunningBackends;
  private readonly context: RunContext;
  private readonly startedAt: Date;
  /** Cancelled before they started; written at the end. */
  private readonly unrecorded: ActionOutcome[] = [];
  private timedOut = false;

  /** @param durations seconds that actions took when they last succeeded, by key */
  constructor(
    private readonly inputs: Omit<RunContextInputs, "startedAt" | "signal">,
    durations: ReadonlyMap<string, number>,
  ) {
    const { options, nodes } = inputs;
    this.startedAt = options.clock.now();
    this.backends = new RunningBackends(options.warehouse);
    this.context = makeRunContext({ ...inputs, startedAt: this.startedAt, signal: this.stop.signal });
    this.scheduler = new Scheduler(
      [...nodes].map(([key, node]) => ({
        key,
        dependencies: node.dependencies,
        duration: durations.get(key) ?? 0.1,
      })),
    );
  }

  /** Runs to the end, whatever that is. */
  async execute(): Promise<RunOutcome> {
    const { options, runId } = this.inputs;
    const onAbort = (): void => this.cancel();
    if (options.signal.aborted) this.cancel();
    options.signal.addEventListener("abort", onAbort, { once: true });
    const timer =
      options.executionTimeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            this.timedOut = true;
            this.cancel();
          }, options.executionTimeoutMs);
    try {
      await this.work(Math.max(1, Math.min(this.concurrency(), this.inputs.nodes.size)));
    } finally {
      clearTimeout(timer);
      this.backends.stop();
      options.signal.removeEventListener("abort", onAbort);
    }
    await this.backends.uncancelled(async () => this.context.schemas?.drop());
    for (const outcome of this.unrecorded) await this.record(outcome);
    const status = this.status();
    await this.backends.uncancelled(() =>
      appendRunStatus(options.warehouse, options.config.historySchema, runId, status),
    );
    return {
      runId,
      status,
      startedAt: this.startedAt,
      finishedAt: options.clock.now(),
      actions: this.outcomes,
    };
  }

  private concurrency(): number {
    const { concurrency, warehouse } = this.inputs.options;
    // One session holds the run's lock.
    return Math.max(1, Math.min(concurrency ?? 8, warehouse.maxSessions - 1));
  }

  /** Starts actions as they become ready, at most so many at once, until none is left. */
  private work(limit: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let active = 0;
      const startReady = (): void => {
        while (active < limit) {
          const key = this.scheduler.next();
          if (key === undefined) break;
          active += 1;
          this.runOne(key)
            .then(() => {
              active -= 1;
              startReady();
            })
            .catch(reject);
        }
        if (active === 0 && this.scheduler.isDone) resolve();
      };
      startReady();
    });
  }

  private async runOne(key: string): Promise<void> {
    const { options, nodes } = this.inputs;
    const node = nodes.get(key);
    const action = this.actionOf(key);
    if (node === undefined || action === undefined) throw new Error(`${key} cannot be run`);
    if (action.disabled) {
      const outcome = { ...this.ended(action), status: "disabled" } as const;
      await this.record(outcome);
      await this.finish(outcome);
      return;
    }
    options.onEvent({ type: "started", key });
    const { warehouse, actionRetryLimit = 0 } = options;
    const { outcome, isRecorded } = await attemptAction(node, action, {
      run: this.context,
      warehouse,
      backends: this.backends,
      retryLimit: actionRetryLimit,
    });
    if (!isRecorded && outcome.error !== undefined) await this.record(outcome);
    else if (!isRecorded) this.unrecorded.push(outcome);
    await this.finish(outcome);
  }

  private async finish(outcome: ActionOutcome): Promise<void> {
    this.push(outcome);
    if (outcome.status === "successful" || outcome.status === "disabled") {
      this.scheduler.succeed(outcome.key);
      return;
    }
    for (const key of this.scheduler.fail(outcome.key)) await this.skip(key, outcome.key);
    if (this.inputs.options.failFast === true) this.cancel();
  }

  /** An assertion that was checked with a relation which was then not published has failed rather than been skipped. */
  private async skip(key: string, because: string): Promise<void> {
    const action = this.actionOf(key);
    if (action === undefined) return;
    const base = this.ended(action);
    const assertion = this.context.audited.get(key);
    let outcome: ActionOutcome = { ...base, status: "skipped", because };
    if (assertion?.status === "failed") {
      outcome = { ...base, status: "failed", assertion, error: assertionError(action, assertion) };
    } else if (assertion !== undefined)
      outcome = { ...base, status: "successful", assertion, path: "assertion" };
    await this.record(outcome);
    this.push(outcome);
  }

  private push(outcome: ActionOutcome): void {
    this.outcomes.push(outcome);
    const { options, nodes } = this.inputs;
    options.onEvent({ type: "finished", outcome, done: this.outcomes.length, total: nodes.size });
  }

  /** Nothing new is started; what runs is cancelled on the server. */
  private cancel(): void {
    if (this.stop.signal.aborted) return;
    this.stop.abort();
    for (const key of this.scheduler.cancelWaiting()) {
      const action = this.actionOf(key);
      if (action === undefined) continue;
      const outcome = { ...this.ended(action), status: "cancelled" } as const;
      this.push(outcome);
      this.unrecorded.push(outcome);
    }
    this.backends.cancel();
  }

  private async record(outcome: ActionOutcome): Promise<void> {
    const { warehouse, config } = this.inputs.options;
    const statement = actionRecordStatement(config.historySchema, actionRecord(this.context, outcome));
    await this.backends.uncancelled(() => warehouse.query(statement));
  }

  private status(): RunStatus {
    if (this.timedOut) return "timed_out";
    if (this.inputs.options.signal.aborted) return "cancelled";
    return this.outcomes.some((each) => each.status === "failed" || each.status === "skipped")
      ? "failed"
      : "successful";
  }

  private actionOf(key: string): RunnableAction | undefined {
    const action = this.inputs.nodes.get(key)?.action;
    return action?.kind === "declaration" ? undefined : action;
  }

  private ended({ key, kind }: RunnableAction): Omit<ActionOutcome, "status"> {
    return { key, kind, attempts: 0, finishedAt: this.inputs.options.clock.now() };
  }
}
