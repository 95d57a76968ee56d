import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test, type TestContext } from "vitest";
import { openCluster } from "../../src/ingest/kafka/open-cluster.js";
import type { IngestResult } from "../../src/ingest/ingest.js";
import { defineSource } from "../../src/project/source.js";
import { kafkaBroker, type KafkaBroker } from "../support/kafka.js";
import { ingestProject, type IngestProject } from "./support.js";

const perPartition = 15_000;
const early = ['{"id": 0}', '{"id": 1}'];

const source = defineSource({
  name: "shop/click",
  kafka: { connection: "stream", topic: "clicks" },
  columns: { id: {}, note: { optional: true } },
});
const declaration = `
import { defineSource } from "aquifer";
export const click = defineSource({
  name: "shop/click",
  kafka: { connection: "stream", topic: "clicks" },
  columns: { id: {}, note: { optional: true } },
});
`;

interface Stream extends IngestProject {
  readonly broker: KafkaBroker;
  load(): Promise<IngestResult>;
}

/** A topic of which two messages are loaded and all others are not. */
async function streamOf(context: TestContext): Promise<Stream> {
  const broker = await kafkaBroker(context);
  const project = await ingestProject([source], {
    "dataform.json": '{ "warehouse": "postgres" }',
    "ingest/shop.ts": declaration,
  });
  const openBroker = (connection: string): ReturnType<typeof openCluster> =>
    openCluster(connection, { brokers: [broker.address], tls: undefined, sasl: undefined });
  const load = (): Promise<IngestResult> => project.ingest({ openBroker });
  broker.send("clicks", 0, early);
  await load();
  for (const partition of [0, 1]) {
    const messages = Array.from({ length: perPartition }, (_, index) =>
      JSON.stringify({ id: 10 + partition * perPartition + index, note: "some text to make the row longer" }),
    );
    broker.send("clicks", partition, messages);
  }
  return { ...project, broker, load };
}

async function until(isSo: () => Promise<boolean>, isOver: () => boolean): Promise<void> {
  while (!(await isSo())) {
    if (isOver()) throw new Error("the moment was never seen");
    await sleep(2);
  }
}

async function expectEveryMessageOnce(stream: Stream): Promise<void> {
  const all = 2 * perPartition + early.length;
  for (const schema of ["bronze", "bronze_store"]) {
    expect(
      await stream.rows(
        `select count(*), count(distinct id) as ids, count(distinct (_partition, _offset)) as places from ${schema}.shop_click`,
      ),
    ).toEqual([[String(all), String(all), String(all)]]);
  }
  expect(
    await stream.rows(
      "select dialect -> 'offsets' from aquifer.ingest_file where status = 'loaded' order by file_id",
    ),
  ).toEqual([[{ 0: [0, 2] }], [{ 0: [2, 2 + perPartition], 1: [0, perPartition] }]]);
  expect((await stream.load()).batch).toBeUndefined();
}

/** What is seen from outside when the load has come so far, and what makes it stand still there. */
interface Phase {
  readonly name: string;
  /** An update of the ledger, by table and condition, that stands still for as long as the test wants. */
  readonly hold?: { readonly table: string; readonly when: string };
  /** SQL: one boolean. */
  readonly isReached: string;
  /** Whether the broker is silent. */
  readonly silent?: boolean;
}

/** Makes an update wait for the advisory lock 42. */
const holding = ({ table, when }: { readonly table: string; readonly when: string }): string => `
  create function public.hold() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(42); return new; end $$;
  create trigger hold before update on aquifer.${table} for each row when (${when}) execute function public.hold()`;
const waits = (statement: string): string =>
  `exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ilike '%${statement}%')`;

const phases: readonly Phase[] = [
  {
    name: "it waits for the broker",
    silent: true,
    isReached:
      "exists (select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database()))",
  },
  {
    name: "rows are copied",
    isReached:
      "exists (select from pg_stat_progress_copy where datname = current_database() and tuples_processed > 1000)",
  },
  {
    name: "all rows are copied",
    hold: { table: "ingest_file", when: "new.seconds is distinct from old.seconds" },
    isReached: waits("set seconds"),
  },
  {
    name: "the batch is being published",
    hold: { table: "ingest_batch", when: "new.status = 'loaded'" },
    isReached: waits("ingest_batch set status"),
  },
  {
    name: "the batch is published",
    isReached: "(select count(*) = 2 from aquifer.ingest_batch where status = 'loaded')",
  },
];

for (const { name, hold, isReached, silent } of phases) {
  test(`killed while ${name}, nothing is half seen, and then every message is there once`, async (context) => {
    const stream = await streamOf(context);
    const ask = async (sql: string): Promise<boolean> =>
      (await stream.rows(`select ${sql}`))[0]?.[0] === true;
    if (silent === true) process.kill(stream.broker.pid, "SIGSTOP");
    const bin = fileURLToPath(new URL("../../bin/dataform.js", import.meta.url));
    const loadAndKill = async (): Promise<void> => {
      const child = spawn(process.execPath, [bin, "ingest"], {
        cwd: stream.root,
        env: {
          ...process.env,
          DATABASE_URL: stream.database.url,
          STREAM_KAFKA_URL: `kafka://${stream.broker.address}`,
        },
        stdio: "ignore",
      });
      const ended = once(child, "exit");
      await until(
        () => ask(isReached),
        () => child.exitCode !== null,
      );
      child.kill("SIGKILL");
      await ended;
    };
    if (hold === undefined) await loadAndKill();
    else {
      await stream.database.warehouse.query(holding(hold));
      await stream.database.warehouse.withSession((session) =>
        session.transaction(async (transaction) => {
          await transaction.query("select pg_advisory_xact_lock(42)");
          await loadAndKill();
        }),
      );
    }
    if (silent === true) process.kill(stream.broker.pid, "SIGCONT");
    // The server notices within a moment that its client is gone, and gives the lock of ingest back.
    const isLocked =
      "exists (select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database()))";
    await until(
      async () => !(await ask(isLocked)),
      () => false,
    );
    const seen = Number((await stream.rows("select count(*) from bronze.shop_click"))[0]?.[0]);
    expect([early.length, early.length + 2 * perPartition]).toContain(seen);

    await stream.load();
    await expectEveryMessageOnce(stream);
  });
}

test("a connection to the warehouse that breaks in the middle of a copy leaves nothing, and then every message is there once", async (context) => {
  const stream = await streamOf(context);
  // The moment is held still.
  await stream.rows(
    `create function public.hold() returns trigger language plpgsql as $$ begin perform pg_sleep(20); return new; end $$;
     create trigger hold before insert on bronze_store.shop_click for each row when (new.id = '5000') execute function public.hold()`,
  );
  let isOver = false;
  const failed = stream.load().catch((thrown: unknown) => thrown as Error);
  void failed.then(() => (isOver = true));
  const copying = "from pg_stat_progress_copy where datname = current_database() and tuples_processed > 1000";
  await until(
    async () => (await stream.rows(`select pg_terminate_backend(pid) ${copying}`)).length > 0,
    () => isOver,
  );
  expect(await failed).toBeInstanceOf(Error);
  expect(await stream.rows("select count(*) from bronze.shop_click")).toEqual([["2"]]);
  await stream.rows("drop trigger hold on bronze_store.shop_click");
  await stream.load();
  await expectEveryMessageOnce(stream);
});
