import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { migrateHistory } from "../../src/history/migrate.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { freshDatabase } from "../support/database.js";
import { compiled, failures, outcomeOf, runAll, testDatabase } from "../support/project.js";
import { skipUnless } from "../support/skip.js";

const tables = "create schema raw; create table raw.items (id integer primary key, note text)";

/** A subscriber in another database of the same server: the slot must be made beforehand, or each waits for the other. */
async function subscribe(
  publisher: { warehouse: Warehouse; url: string; name: string },
  publication: string,
): Promise<Warehouse> {
  const subscriber = await freshDatabase();
  const slot = `slot_${publisher.name}`;
  onTestFinished(async () => {
    await subscriber.warehouse.query("alter subscription mine disable");
    await subscriber.warehouse.query("alter subscription mine set (slot_name = none)");
    await subscriber.warehouse.query("drop subscription mine");
    await until(async () => {
      const free = await publisher.warehouse.query(
        "select from pg_replication_slots where slot_name = $1 and not active",
        [slot],
      );
      return free.rowCount === 1;
    });
    await publisher.warehouse.query("select pg_drop_replication_slot($1)", [slot]);
    await subscriber.drop();
  });
  await subscriber.warehouse.query(
    `${tables}; create schema silver; create table silver.orders (id integer primary key, note text)`,
  );
  await migrateHistory(subscriber.warehouse);
  await publisher.warehouse.query(`create publication mine ${publication}`);
  await publisher.warehouse.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
  const { hostname, port, username, password, pathname } = new URL(publisher.url);
  const connection = `host=${hostname} port=${port} user=${username} password=${password} dbname=${pathname.slice(1)}`;
  await subscriber.warehouse.query(
    `create subscription mine connection '${connection}' publication mine with (create_slot = false, slot_name = '${slot}')`,
  );
  return subscriber.warehouse;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return;
    await pause(50);
  }
  throw new Error("waited 10 s in vain");
}

async function orders(warehouse: Warehouse): Promise<string> {
  const answer = await warehouse.query<{ rows: unknown }>(
    "select json_agg(orders order by id) as rows from silver.orders",
  );
  return JSON.stringify(answer.rows[0]?.rows);
}

describe("a subscriber", () => {
  test.for(["for table silver.orders", "for tables in schema silver", "for all tables"])(
    "of a publication %s follows every rebuild",
    async (publication, context) => {
      const publisher = await testDatabase();
      const { warehouse } = publisher;
      const level = await warehouse.query<{ wal_level: string }>("show wal_level");
      skipUnless(
        context,
        level.rows[0]?.wal_level === "logical",
        "the test server has no wal_level = logical",
      );
      const project = await compiled({
        "items.sqlx": 'config { type: "declaration", schema: "raw", name: "items" }',
        "orders.sqlx":
          'config { type: "table", metadata: { extraProperties: { postgres: { primaryKey: ["id"] } } } } select id, note from ${ref("raw", "items")}',
      });
      await warehouse.query(
        `${tables}; insert into raw.items select n, 'note ' || n from generate_series(1, 50) as n`,
      );
      expect(failures(await runAll(project, warehouse))).toEqual([]);
      const subscriber = await subscribe(publisher, publication);
      await until(async () => (await orders(subscriber)) === (await orders(warehouse)));
      for (let round = 0; round < 3; round++) {
        await warehouse.query(
          `delete from raw.items where id = ${round + 1}; update raw.items set note = 'round ${round}' where id % 5 = ${round}; insert into raw.items values (${100 + round}, 'new')`,
        );
        const run = await runAll(project, warehouse);
        expect(failures(run)).toEqual([]);
        expect(outcomeOf(run, "silver.orders").path).toBe("delta");
        await until(async () => (await orders(subscriber)) === (await orders(warehouse)));
      }
      const errors = await subscriber.query(
        "select apply_error_count::int as n from pg_stat_subscription_stats where subname = 'mine'",
      );
      expect(errors.rows).toEqual([{ n: 0 }]);
    },
  );
});
