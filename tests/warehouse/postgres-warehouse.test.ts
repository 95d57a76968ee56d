import { setTimeout as delay } from "node:timers/promises";
import { Readable, Writable } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { copyIn, copyOut } from "../../src/warehouse/copy.js";
import { WarehouseError } from "../../src/warehouse/warehouse-error.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { freshDatabase, type TestDatabase } from "../support/database.js";
import { describeOnServers } from "../support/servers.js";

async function database(options: Parameters<typeof freshDatabase>[0] = {}): Promise<TestDatabase> {
  const fresh = await freshDatabase(options);
  onTestFinished(() => fresh.drop());
  return fresh;
}

/** What a promise was rejected with; fails when it was not a WarehouseError. */
async function failure(promise: Promise<unknown>): Promise<WarehouseError> {
  const thrown: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(WarehouseError);
  return thrown as WarehouseError;
}

function terminate(warehouse: Warehouse, pid: number): Promise<unknown> {
  return warehouse.query("select pg_terminate_backend($1, 5000)", [pid]);
}

describeOnServers("a warehouse on PostgreSQL", (major) => {
  it("keeps what JavaScript would change as text", async () => {
    const { warehouse } = await database({ major });
    const { rows } = await warehouse.query(
      `select 9007199254740993::bigint as big, 0.10::numeric as money, date '2024-02-30'::date - 1 as day,
         timestamptz '2024-01-01 00:00:00.123456+00' as at, 1 as small, true as flag, '{"a":1}'::jsonb as doc,
         array[1,2] as list`.replace("2024-02-30", "2024-03-01"),
    );
    expect(rows).toEqual([
      {
        big: "9007199254740993",
        money: "0.10",
        day: "2024-02-29",
        at: expect.stringMatching(/^2024-01-01 00:00:00.123456\+00/) as string,
        small: 1,
        flag: true,
        doc: { a: 1 },
        list: "{1,2}",
      },
    ]);
  });

  it("says what the server said, with the statement", async () => {
    const { warehouse } = await database({ major });
    const error = await failure(warehouse.query("select nothing from nowhere"));
    expect(error.server).toMatchObject({ sqlState: "42P01", position: 21 });
    expect(error.statement).toBe("select nothing from nowhere");
    expect(error.isConnectionLoss).toBe(false);
  });

  it("runs a sequence in order, in one round trip once its prepared statement is known", async () => {
    const { warehouse } = await database({ major });
    await warehouse.withSession(async (session) => {
      const quoted = `it's a "\\" \u00e9`;
      const read = async (): Promise<unknown> => {
        const answers = await session.sequence([
          { text: "begin" },
          { text: "create temporary table counted (n int) on commit drop" },
          { text: "insert into counted values (1), (2)" },
          {
            text: "select $1::text as said, count(*)::int as n from counted",
            values: [quoted],
            prepare: "said",
          },
          { text: "rollback" },
          { text: "select 3 as last" },
        ]);
        return answers.map(({ rows, rowCount }) => [rows, rowCount]);
      };
      const expected = [
        [[], 0],
        [[], 0],
        [[], 2],
        [[{ said: quoted, n: 2 }], 1],
        [[], 0],
        [[{ last: 3 }], 1],
      ];
      expect(await read()).toEqual(expected);
      await session.query("create temporary table trips (statement text)");
      expect(await read()).toEqual(expected);
      const { rows } = await session.query<{ calls: number }>(
        "select (generic_plans + custom_plans)::int as calls from pg_prepared_statements where name = 'said'",
      );
      expect(rows).toEqual([{ calls: 2 }]);
    });
  });

  it("stops a sequence at the first statement that fails, and says which", async () => {
    const { warehouse } = await database({ major });
    await warehouse.withSession(async (session) => {
      const error = await failure(
        session.sequence([{ text: "begin" }, { text: "select 1 / 0" }, { text: "commit" }]),
      );
      expect(error.server.sqlState).toBe("22012");
      expect(error.statement).toContain("select 1 / 0");
      await session.query("rollback");
      await expect(session.sequence([{ text: "select 1; select 2" }])).rejects.toThrow(/2 answers to 1/);
    });
  });

  it("refuses a statement with a NUL instead of sending half of it", async () => {
    const { warehouse } = await database({ major });
    await expect(warehouse.query("select 1 \0; drop table x")).rejects.toMatchObject({ code: "nul-in-text" });
  });

  it("lets the server watch for a client that was killed", async () => {
    const { warehouse } = await database({ major });
    const shown = "show client_connection_check_interval";
    const first = await warehouse.query(shown);
    const second = await warehouse.withSession((session) => session.query(shown));
    expect([first.rows, second.rows]).toEqual([
      [{ client_connection_check_interval: "1s" }],
      [{ client_connection_check_interval: "1s" }],
    ]);
  });

  it("never lends a session again whose user failed", async () => {
    const { warehouse } = await database({ major, maxSessions: 1 });
    await expect(
      warehouse.withSession(async (session) => {
        await session.query("begin; set search_path = pg_catalog; create temp table left_over (id int)");
        throw new Error("the user's own");
      }),
    ).rejects.toThrow("the user's own");
    const { rows } = await warehouse.query(
      "select current_setting('search_path') as path, to_regclass('pg_temp.left_over') as table, pg_current_xact_id_if_assigned() as xact",
    );
    expect(rows).toEqual([{ path: '"$user", public', table: null, xact: null }]);
  });

  it("rolls a transaction back when its body throws, and keeps it when not", async () => {
    const { warehouse } = await database({ major });
    await warehouse.query("create table kept (id int)");
    await warehouse
      .withSession((session) =>
        session.transaction(async (transaction) => {
          await transaction.query("insert into kept values (1)");
          throw new Error("stop");
        }),
      )
      .catch(() => undefined);
    await warehouse.withSession((session) =>
      session.transaction((transaction) => transaction.query("insert into kept values (2)")),
    );
    expect((await warehouse.query("select id from kept")).rows).toEqual([{ id: 2 }]);
  });

  it("cancels what a backend runs", async () => {
    const { warehouse } = await database({ major });
    const started = performance.now();
    let cancelled: Promise<void> | undefined;
    const error = await failure(
      warehouse.withSession(async (session) => {
        cancelled = delay(200).then(() => warehouse.cancel(session.backendPid));
        await session.query("select pg_sleep(30)");
      }),
    );
    await cancelled;
    expect(error.server.sqlState).toBe("57014");
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it("reports a backend that was terminated while it worked", async () => {
    const { warehouse } = await database({ major });
    const error = await failure(
      warehouse.withSession(async (session) => {
        setTimeout(() => void terminate(warehouse, session.backendPid), 100);
        await session.query("select pg_sleep(30)");
      }),
    );
    expect(error.server.sqlState).toBe("57P01");
    expect(error.isConnectionLoss).toBe(true);
    expect((await warehouse.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  it("reports a backend that was terminated between two statements, at the next one and with the reason", async () => {
    const { warehouse } = await database({ major, maxSessions: 2 });
    const error = await failure(
      warehouse.withSession(async (session) => {
        await terminate(warehouse, session.backendPid);
        await delay(100);
        await session.query("select 1");
      }),
    );
    expect(error.server.sqlState).toBe("57P01");
  });

  it("replaces idle connections that broke", async () => {
    const { warehouse, url } = await database({ major, maxSessions: 2 });
    await Promise.all([warehouse.query("select pg_sleep(0.05)"), warehouse.query("select pg_sleep(0.05)")]);
    const { open } = await import("../support/database.js");
    const other = await open(url, 1);
    await other.query(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
    await other.close();
    await delay(100);
    expect((await warehouse.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });
});

describe("COPY", () => {
  async function target(): Promise<Warehouse> {
    const { warehouse } = await database();
    await warehouse.query("create table numbers (n int)");
    return warehouse;
  }
  const into = "copy numbers from stdin";
  const count = async (warehouse: Warehouse): Promise<unknown> =>
    (await warehouse.query("select count(*)::int as n from numbers")).rows[0];
  const lines = (last: number, bad?: string): Readable =>
    Readable.from(
      (function* () {
        for (let n = 1; n <= last; n++) yield `${n}\n`;
        if (bad !== undefined) yield bad;
      })(),
    );

  it("loads rows and tells how many", async () => {
    const warehouse = await target();
    expect(await warehouse.withSession((session) => copyIn(session, into, lines(5000)))).toBe(5000);
    expect(await count(warehouse)).toEqual({ n: 5000 });
  });

  it("loads nothing when a row is refused, names it, and leaves the session usable", async () => {
    const warehouse = await target();
    await warehouse.withSession(async (session) => {
      const error = await failure(copyIn(session, into, lines(3, "four\n")));
      expect(error.server).toMatchObject({
        sqlState: "22P02",
        where: 'COPY numbers, line 4, column n: "four"',
      });
      expect((await session.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    });
    expect(await count(warehouse)).toEqual({ n: 0 });
  });

  it("loads nothing when the statement is wrong", async () => {
    const warehouse = await target();
    const error = await failure(
      warehouse.withSession((session) => copyIn(session, "copy absent from stdin", lines(3))),
    );
    expect(error.server.sqlState).toBe("42P01");
  });

  it("loads nothing when the source fails half-way, and throws the source's error", async () => {
    const warehouse = await target();
    const source = Readable.from(
      (async function* () {
        for (let n = 1; n <= 100_000; n++) yield `${n}\n`;
        await delay(10);
        throw new Error("the disk is on fire");
      })(),
    );
    await warehouse.withSession(async (session) => {
      await expect(copyIn(session, into, source)).rejects.toThrow("the disk is on fire");
      expect((await session.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    });
    expect(await count(warehouse)).toEqual({ n: 0 });
  });

  it("stops when it is aborted", async () => {
    const warehouse = await target();
    const abort = new AbortController();
    const endless = Readable.from(
      (async function* () {
        for (;;) {
          await delay(1);
          yield "1\n";
        }
      })(),
    );
    setTimeout(() => abort.abort(), 100);
    await expect(
      warehouse.withSession((session) => copyIn(session, into, endless, { signal: abort.signal })),
    ).rejects.toMatchObject({ name: "AbortError" });
    expect(await count(warehouse)).toEqual({ n: 0 });
  });

  it("reports a connection that is lost half-way in", async () => {
    const warehouse = await target();
    const slow = Readable.from(
      (async function* () {
        for (let n = 0; n < 1000; n++) {
          await delay(10);
          yield "1\n".repeat(1000);
        }
      })(),
    );
    const error = await failure(
      warehouse.withSession(async (session) => {
        setTimeout(() => void terminate(warehouse, session.backendPid), 200);
        return copyIn(session, into, slow);
      }),
    );
    expect(error.isConnectionLoss).toBe(true);
    expect(await count(warehouse)).toEqual({ n: 0 });
  });

  it("writes what a table holds", async () => {
    const warehouse = await target();
    let text = "";
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    });
    await warehouse.withSession((session) =>
      copyOut(session, "copy (select n from generate_series(1, 3) n) to stdout", sink),
    );
    expect(text).toBe("1\n2\n3\n");
  });

  it("reports an error of the server half-way out", async () => {
    const warehouse = await target();
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
    const error = await failure(
      warehouse.withSession((session) =>
        copyOut(session, "copy (select 1 / (500000 - n) from generate_series(1, 1000000) n) to stdout", sink),
      ),
    );
    expect(error.server.sqlState).toBe("22012");
  });

  it("throws the sink's error", async () => {
    const warehouse = await target();
    const sink = new Writable({ write: (_chunk, _encoding, done) => done(new Error("no space left")) });
    await expect(
      warehouse.withSession((session) =>
        copyOut(session, "copy (select * from generate_series(1, 1000000)) to stdout", sink),
      ),
    ).rejects.toThrow("no space left");
    expect((await warehouse.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });
});
