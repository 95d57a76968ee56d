/** What the scheduler knows of an action. */
export interface ScheduledNode {
  readonly key: string;
  /** Keys that must succeed first; those outside the schedule do not count. */
  readonly dependencies: Iterable<string>;
  /** How long it is expected to take, in any unit: from past runs. */
  readonly duration: number;
}

/**
 * Decides what runs next: an action is ready the moment its dependencies have succeeded; of the ready ones the one with
 * the longest remaining path goes first (critical-path list scheduling, Graham 1966). Pure: it knows no clock and starts
 * nothing.
 */
export class Scheduler {
  private readonly waiting = new Map<string, Set<string>>();
  private readonly dependents = new Map<string, string[]>();
  private readonly priority = new Map<string, number>();
  private readonly ready: string[] = [];
  private readonly running = new Set<string>();

  /** @throws Error when the nodes form a cycle: the compiler refuses those before. */
  constructor(nodes: readonly ScheduledNode[]) {
    const known = new Map(nodes.map((node) => [node.key, node]));
    for (const node of nodes) {
      const dependencies = new Set(
        [...node.dependencies].filter((key) => known.has(key) && key !== node.key),
      );
      this.waiting.set(node.key, dependencies);
      for (const key of dependencies)
        this.dependents.set(key, [...(this.dependents.get(key) ?? []), node.key]);
    }
    for (const key of topologicalOrder(this.waiting, this.dependents).reverse()) {
      const after = Math.max(
        0,
        ...(this.dependents.get(key) ?? []).map((next) => this.priority.get(next) ?? 0),
      );
      this.priority.set(key, after + (known.get(key)?.duration ?? 0));
    }
    for (const [key, dependencies] of this.waiting) if (dependencies.size === 0) this.push(key);
  }

  /** The next action to start, now counted as running; undefined when none is ready. */
  next(): string | undefined {
    const key = this.ready.shift();
    if (key !== undefined) {
      this.waiting.delete(key);
      this.running.add(key);
    }
    return key;
  }

  /** An action succeeded: what waited only for it is ready. */
  succeed(key: string): void {
    this.running.delete(key);
    for (const dependent of this.dependents.get(key) ?? []) {
      const dependencies = this.waiting.get(dependent);
      if (dependencies?.delete(key) === true && dependencies.size === 0) this.push(dependent);
    }
  }

  /** An action failed: everything below it never runs. Returns those keys, each with the failed action it hangs on. */
  fail(key: string): string[] {
    this.running.delete(key);
    const skipped: string[] = [];
    const queue = [...(this.dependents.get(key) ?? [])];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (!this.waiting.delete(next)) continue;
      skipped.push(next);
      queue.push(...(this.dependents.get(next) ?? []));
    }
    return skipped;
  }

  /** Drops everything that has not started; returns those keys. */
  cancelWaiting(): string[] {
    const cancelled = [...this.waiting.keys()];
    this.waiting.clear();
    this.ready.length = 0;
    return cancelled;
  }

  get isDone(): boolean {
    return this.waiting.size === 0 && this.running.size === 0;
  }

  /** Inserts by priority, ties by name, so that the same project always runs in the same order. */
  private push(key: string): void {
    const before = (a: string, b: string): boolean => {
      const difference = (this.priority.get(a) ?? 0) - (this.priority.get(b) ?? 0);
      return difference > 0 || (difference === 0 && a < b);
    };
    let low = 0;
    let high = this.ready.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(this.ready[middle] ?? "", key)) low = middle + 1;
      else high = middle;
    }
    this.ready.splice(low, 0, key);
  }
}

function topologicalOrder(
  waiting: ReadonlyMap<string, ReadonlySet<string>>,
  dependents: ReadonlyMap<string, readonly string[]>,
): string[] {
  const open = new Map([...waiting].map(([key, dependencies]) => [key, dependencies.size]));
  const order = [...open].filter(([, count]) => count === 0).map(([key]) => key);
  for (let index = 0; index < order.length; index++) {
    for (const dependent of dependents.get(order[index] ?? "") ?? []) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      if (left === 0) order.push(dependent);
    }
  }
  if (order.length !== waiting.size) throw new Error("the actions depend on each other in a circle");
  return order;
}
