import fc from "fast-check";
import { expect, test } from "vitest";
import { Scheduler, type ScheduledNode } from "../../src/run/scheduler.js";

/** Random graphs without circles: a node depends only on nodes before it. */
const graphs = fc
  .array(
    fc.record({ duration: fc.integer({ min: 0, max: 50 }), picks: fc.array(fc.nat(), { maxLength: 4 }) }),
    {
      maxLength: 25,
    },
  )
  .map((nodes) =>
    nodes.map(({ duration, picks }, index): ScheduledNode => ({
      key: `n${index}`,
      duration,
      dependencies: index === 0 ? [] : [...new Set(picks.map((pick) => `n${pick % index}`))],
    })),
  );

/** Runs a schedule on a model of the world: so many workers, each action taking its duration, some failing. */
function simulate(nodes: readonly ScheduledNode[], workers: number, failing: ReadonlySet<string>) {
  const scheduler = new Scheduler(nodes);
  const durations = new Map(nodes.map((node) => [node.key, node.duration]));
  const running = new Map<string, number>();
  const started: string[] = [];
  const succeeded = new Set<string>();
  const skipped = new Set<string>();
  let most = 0;
  for (let now = 0; !scheduler.isDone;) {
    while (running.size < workers) {
      const key = scheduler.next();
      if (key === undefined) break;
      started.push(key);
      running.set(key, now + (durations.get(key) ?? 0));
      most = Math.max(most, running.size);
    }
    const [first] = [...running].sort((a, b) => a[1] - b[1]);
    if (first === undefined) throw new Error("nothing runs and nothing is ready");
    now = first[1];
    running.delete(first[0]);
    if (failing.has(first[0])) scheduler.fail(first[0]).forEach((key) => skipped.add(key));
    else {
      scheduler.succeed(first[0]);
      succeeded.add(first[0]);
    }
  }
  return { started, succeeded, skipped, most };
}

test("every action is started once, after all it depends on, and never more at once than there are workers", () => {
  fc.assert(
    fc.property(graphs, fc.integer({ min: 1, max: 5 }), (nodes, workers) => {
      const { started, succeeded, most } = simulate(nodes, workers, new Set());
      expect([...started].sort()).toEqual(nodes.map((node) => node.key).sort());
      expect(succeeded.size).toBe(nodes.length);
      expect(most).toBeLessThanOrEqual(workers);
      for (const node of nodes) {
        for (const dependency of node.dependencies) {
          expect(started.indexOf(dependency)).toBeLessThan(started.indexOf(node.key));
        }
      }
    }),
  );
});

test("what a failed action is upstream of is skipped, and nothing else", () => {
  fc.assert(
    fc.property(
      graphs,
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.nat(), { maxLength: 4 }),
      (nodes, workers, picks) => {
        const failing = new Set(nodes.length === 0 ? [] : picks.map((pick) => `n${pick % nodes.length}`));
        const below = new Set<string>();
        for (const node of nodes) {
          if ([...node.dependencies].some((key) => failing.has(key) || below.has(key))) below.add(node.key);
        }
        const { started, skipped, succeeded } = simulate(nodes, workers, failing);
        expect([...skipped].sort()).toEqual([...below].sort());
        expect(started.filter((key) => below.has(key))).toEqual([]);
        expect(succeeded.size).toBe(nodes.filter(({ key }) => !failing.has(key) && !below.has(key)).length);
      },
    ),
  );
});

/** What the world may tell a scheduler, in any order. */
type Event = "start" | "succeed" | "fail" | "cancel";

/** The same decisions made from scratch each time, by definition rather than by bookkeeping. */
class Model {
  readonly succeeded = new Set<string>();
  readonly running = new Set<string>();
  /** Failed, skipped or cancelled. */
  readonly lost = new Set<string>();

  constructor(private readonly nodes: readonly ScheduledNode[]) {}

  /** The longest of all paths that begin here, by walking every one of them. */
  private remaining(node: ScheduledNode): number {
    const after = this.nodes.filter(({ dependencies }) => [...dependencies].includes(node.key));
    return node.duration + Math.max(0, ...after.map((next) => this.remaining(next)));
  }

  next(): string | undefined {
    const ready = this.nodes.filter(
      ({ key, dependencies }) =>
        !this.running.has(key) &&
        !this.succeeded.has(key) &&
        !this.lost.has(key) &&
        [...dependencies].every((each) => this.succeeded.has(each)),
    );
    const before = (a: ScheduledNode, b: ScheduledNode): number =>
      this.remaining(b) - this.remaining(a) || (a.key < b.key ? -1 : 1);
    return ready.sort(before)[0]?.key;
  }

  below(key: string): string[] {
    const direct = this.nodes.filter(({ dependencies }) => [...dependencies].includes(key));
    return [...new Set(direct.flatMap((node) => [node.key, ...this.below(node.key)]))];
  }

  waiting(): string[] {
    const { running, succeeded, lost } = this;
    return this.nodes
      .map(({ key }) => key)
      .filter((key) => !running.has(key) && !succeeded.has(key) && !lost.has(key));
  }
}

test("whatever succeeds, fails or is cancelled, and in whatever order, it decides as the definition says", () => {
  const events = fc.array(
    fc.tuple(
      fc.constantFrom<Event>("start", "start", "start", "succeed", "succeed", "fail", "cancel"),
      fc.nat(),
    ),
    { maxLength: 60 },
  );
  const small = graphs.filter((nodes) => nodes.length <= 12);
  fc.assert(
    fc.property(small, events, (nodes, told) => {
      const scheduler = new Scheduler(nodes);
      const model = new Model(nodes);
      for (const [event, pick] of told) {
        const running = [...model.running];
        const key = running[pick % Math.max(1, running.length)];
        if (event === "start") {
          const next = scheduler.next();
          expect(next).toBe(model.next());
          if (next !== undefined) model.running.add(next);
        } else if (event === "cancel") {
          const cancelled = scheduler.cancelWaiting();
          expect([...cancelled].sort()).toEqual(model.waiting().sort());
          for (const each of cancelled) model.lost.add(each);
        } else if (key !== undefined && event === "succeed") {
          scheduler.succeed(key);
          model.running.delete(key);
          model.succeeded.add(key);
        } else if (key !== undefined) {
          const waiting = new Set(model.waiting());
          const skipped = scheduler.fail(key);
          expect([...skipped].sort()).toEqual(
            model
              .below(key)
              .filter((each) => waiting.has(each))
              .sort(),
          );
          model.running.delete(key);
          for (const each of [key, ...skipped]) model.lost.add(each);
        }
        expect(scheduler.isDone).toBe(model.running.size === 0 && model.waiting().length === 0);
      }
    }),
    { numRuns: 300 },
  );
});

test("fail-fast: once everything waiting is cancelled, what succeeds later starts nothing", () => {
  fc.assert(
    fc.property(graphs, fc.integer({ min: 1, max: 5 }), fc.nat({ max: 30 }), (nodes, workers, after) => {
      const scheduler = new Scheduler(nodes);
      const running: string[] = [];
      for (let step = 0; step < after; step++) {
        const next = running.length < workers ? scheduler.next() : undefined;
        if (next !== undefined) running.push(next);
        else scheduler.succeed(running.shift() ?? "");
      }
      const failed = running.shift();
      if (failed !== undefined) scheduler.fail(failed);
      scheduler.cancelWaiting();
      for (const key of running) {
        scheduler.succeed(key);
        expect(scheduler.next()).toBeUndefined();
      }
      expect(scheduler.isDone).toBe(true);
    }),
  );
});

test("of the ready actions the one with the longest remaining path goes first, ties by name", () => {
  const scheduler = new Scheduler([
    { key: "short", duration: 5, dependencies: [] },
    { key: "head", duration: 1, dependencies: [] },
    { key: "tail", duration: 10, dependencies: ["head"] },
    { key: "b", duration: 3, dependencies: [] },
    { key: "a", duration: 3, dependencies: [] },
  ]);
  expect([scheduler.next(), scheduler.next(), scheduler.next(), scheduler.next(), scheduler.next()]).toEqual([
    "head",
    "short",
    "a",
    "b",
    undefined,
  ]);
});

test("cancelling drops what has not started and leaves what runs", () => {
  const scheduler = new Scheduler([
    { key: "a", duration: 1, dependencies: [] },
    { key: "b", duration: 1, dependencies: ["a"] },
    { key: "c", duration: 0, dependencies: [] },
  ]);
  scheduler.next();
  expect(scheduler.cancelWaiting().sort()).toEqual(["b", "c"]);
  expect(scheduler.isDone).toBe(false);
  scheduler.succeed("a");
  expect(scheduler.isDone).toBe(true);
});

test("a circle is refused", () => {
  const circle = [
    { key: "a", duration: 1, dependencies: ["b"] },
    { key: "b", duration: 1, dependencies: ["a"] },
  ];
  expect(() => new Scheduler(circle)).toThrow(/circle/);
});
