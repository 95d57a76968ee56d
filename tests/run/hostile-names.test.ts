import fc from "fast-check";
import { expect, test } from "vitest";
import { quoteIdentifier as q, quoteLiteral, quoteRelation } from "../../src/base/identifiers.js";
import type { Action, IncrementalAction, TableAction, ViewAction } from "../../src/project/action.js";
import { hostileName, hostileValue } from "../support/hostile.js";
import { compiled, failures, outcomeOf, runAll, testDatabase } from "../support/project.js";
import { catalogSnapshot } from "./catalog-snapshot.js";

const drawn = fc.record({
  schema: hostileName,
  relations: fc.uniqueArray(hostileName, { minLength: 6, maxLength: 6 }),
  // What stands in parentheses is an expression in the settings of an index.
  columns: fc.uniqueArray(
    hostileName.filter((name) => !/^\(.*\)$/s.test(name)),
    { minLength: 3, maxLength: 3 },
  ),
  values: fc.array(hostileValue, { minLength: 3, maxLength: 3 }),
});

/**
 * The whole of what a run writes, with any names and values: a table with keys and comments, everything people can put on
 * it, then its next version by swap, in place, as a partitioned table and back, by merge, and a materialized view on it.
 */
test("any names and values go through swap, change in place, type switch, merge and all that is carried over", async () => {
  const { warehouse } = await testDatabase();
  const base = await compiled({
    "t.sqlx": 'config { type: "table" } select 1 as id',
    "i.sqlx": 'config { type: "incremental", uniqueKey: ["id"] } select 1 as id',
    "m.sqlx": 'config { type: "view", materialized: true } select 1 as id',
  });
  const table = base.actions.get("silver.t") as TableAction;
  const incremental = base.actions.get("silver.i") as IncrementalAction;
  const matview = base.actions.get("silver.m") as ViewAction;
  await fc.assert(
    fc.asyncProperty(drawn, async ({ schema, relations, columns, values }) => {
      const [name = "", view = "", index = "", object = "", other = "", rows = ""] = relations;
      const [id = "", note = "", day = ""] = columns;
      const text = values.map((value) => value ?? "null").join(" ");
      const target = { schema, name };
      const [t, people] = [quoteRelation(target), q(`${object.slice(0, 20)}p`)];
      const literal = (value: string | null | undefined): string =>
        value === null || value === undefined ? "null::text" : `${quoteLiteral(value)}::text`;
      const query = (shift: number): string =>
        values
          .map(
            (value, n) =>
              `select ${n + shift} as ${q(id)}, ${literal(value)} as ${q(note)}, date '2024-01-30' + ${n} as ${q(day)}`,
          )
          .join("\nunion all\n");
      const postgres: TableAction["postgres"] = {
        ...table.postgres,
        primaryKey: [id],
        indexes: [{ columns: [note], unique: false, include: [day], name: index }],
      };
      const described = { description: text, columns: [{ name: id, description: text }] };
      const run = async (action: Action): Promise<string | undefined> => {
        const done = await runAll({ ...base, actions: new Map([[action.key, action]]) }, warehouse);
        expect(failures(done)).toEqual([]);
        return outcomeOf(done, action.key).path;
      };
      const holds = async (relation: string, wanted: string): Promise<void> => {
        const list = columns.map(q).join(", ");
        const got = `select ${list} from ${relation}`;
        const differing = await warehouse.query(
          `(${got} except all (${wanted})) union all ((${wanted}) except all ${got})`,
        );
        expect(differing.rows).toEqual([]);
      };
      const first: TableAction = {
        ...table,
        ...described,
        target,
        key: `${schema}.${name}`,
        postgres,
        query: query(0),
      };
      await warehouse.query(
        `drop schema if exists ${q(schema)} cascade; drop schema if exists ${people} cascade`,
      );
      expect(await run(first)).toBe("create");
      await warehouse.query(`
create schema ${people};
create view ${people}.${q(view)} as select ${q(id)} as ${q(object)}, ${q(note)} from ${t} where ${q(note)} is distinct from ${quoteLiteral(text)};
create view ${people}.${q(other)} as select * from ${people}.${q(view)};
create materialized view ${people}.${q(rows)} as select ${q(note)}, count(*) as n from ${t} group by 1;
create index ${q(object)} on ${t} (lower(${q(note)})) where ${q(note)} <> ${quoteLiteral(text)};
alter table ${t} add constraint ${q(view)} check (${q(note)} is null or ${q(id)} >= 0);
create statistics ${people}.${q(other)} on ${q(id)}, ${q(day)} from ${t};
create policy ${q(rows)} on ${t} using (${q(note)} <> ${quoteLiteral(text)});
create function ${people}.${q(name)}() returns bigint language sql begin atomic select count(${q(note)}) from ${t}; end;
grant select (${q(id)}) on ${t} to public;
comment on column ${t}.${q(day)} is ${quoteLiteral(text)};
alter table ${t} alter column ${q(note)} set default ${quoteLiteral(text)}`);
      const snapshot = await catalogSnapshot(warehouse);
      expect(await run({ ...first, query: query(1) })).toBe("swap");
      await holds(t, query(1));
      expect(await catalogSnapshot(warehouse)).toEqual(snapshot);
      expect(await run({ ...first, query: query(2), postgres: { ...postgres, replace: "delta" } })).toBe(
        "delta",
      );
      await holds(t, query(2));
      expect(await catalogSnapshot(warehouse)).toEqual(snapshot);

      const merged: IncrementalAction = {
        ...incremental,
        ...described,
        target,
        key: first.key,
        postgres,
        uniqueKey: [id],
        query: query(3),
        incrementalQuery: query(3),
      };
      expect(await run(merged)).toBe("merge");
      await holds(t, `${query(3)} union all (select * from (${query(2)}) as old limit 1)`);
      expect(await run({ ...first, query: query(0) })).toBe("swap");
      expect(await catalogSnapshot(warehouse)).toEqual(snapshot);

      await warehouse.query(`drop schema ${people} cascade; alter table ${t} drop constraint ${q(view)}`);
      const partitionBy = { kind: "list", column: note } as const;
      const split = { ...postgres, primaryKey: [], indexes: [], partitionBy };
      expect(await run({ ...first, query: query(4), postgres: split })).toBe("swap");
      await holds(t, query(4));
      expect(await run({ ...first, query: query(5) })).toBe("swap");
      const upon: ViewAction = {
        ...matview,
        ...described,
        target: { schema, name: other },
        key: `${schema}.${other}`,
        query: `select * from ${t}`,
        postgres: { ...matview.postgres, indexes: [{ columns: [id], unique: true, include: [] }] },
      };
      expect(await run(upon)).toBe("create");
      expect(await run({ ...first, query: query(6) })).toBe("swap");
      await holds(quoteRelation(upon.target), query(6));
      expect(await run(upon)).toBe("refresh");
    }),
    { numRuns: 6 },
  );
});
