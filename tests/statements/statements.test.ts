import { format } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  quoteIdentifier,
  quoteLiteral,
  quoteRelation,
  type RelationName,
} from "../../src/base/identifiers.js";
import { defaultPostgresSettings, type PostgresSettings } from "../../src/project/postgres-settings.js";
import {
  conditionSample,
  conditionScan,
  queryScan,
  querySample,
  uniqueSample,
  uniqueScan,
} from "../../src/statements/assertion-scan.js";
import { carryOver } from "../../src/statements/carry-over.js";
import { rowsMissingFrom } from "../../src/statements/compare-rows.js";
import {
  commentStatements,
  createMaterializedView,
  createTableAs,
  createView,
  grantStatements,
} from "../../src/statements/create-relation.js";
import { keyStatements } from "../../src/statements/model-keys.js";
import { deltaStatements } from "../../src/statements/delta.js";
import {
  alterColumns,
  appendRows,
  createDelta,
  deleteOverwritten,
  keyFaults,
  mergeRows,
} from "../../src/statements/incremental.js";
import {
  createPartition,
  createPartitionedTable,
  neededPartitions,
} from "../../src/statements/partitions.js";
import { rewriteRelation } from "../../src/statements/rewrite-relation.js";
import { readRelationFacts } from "../../src/warehouse/catalog/read-relation-facts.js";
import type { Queryable } from "../../src/warehouse/warehouse.js";
import { hostileName, hostileValue } from "../support/hostile.js";
import { testDatabase } from "../support/project.js";

/** Every name and text that goes into the statements. */
interface Names {
  readonly at: RelationName;
  readonly other: RelationName;
  readonly id: string;
  readonly note: string;
  readonly day: string;
  readonly added: string;
  readonly index: string;
  readonly text: string;
}

/** Names as hostile as PostgreSQL takes them. */
const names: Names = {
  at: { schema: 'Sche"ma; --', name: "ta'ble $1 é" },
  other: { schema: 'Sche"ma; --', name: "other\n😀" },
  id: 'I"d',
  note: "no'te; --",
  day: "day",
  added: 'n"ew',
  index: 'own "name"',
  text: "it's\\ all",
};

const strict = { severity: "fail", maxFailing: { rows: 0 }, strict: true, sample: true } as const;

interface Family {
  /** Run before. */
  readonly needs: readonly string[];
  readonly statements: readonly string[];
}

function queryOf({ id, note, day }: Names): string {
  return `select n as ${q(id)}, 'x' || n as ${q(note)}, date '2024-01-30' + n as ${q(day)} from generate_series(1, 3) as n -- the end`;
}

function settingsOf({ id, note, day, index }: Names): PostgresSettings {
  return {
    ...defaultPostgresSettings,
    fillfactor: 70,
    primaryKey: [id],
    indexes: [
      {
        columns: [note, `(lower(${q(note)}))`],
        unique: false,
        include: [day],
        where: `${q(day)} is not null`,
      },
      { columns: [day], unique: true, include: [], method: "btree", name: index },
    ],
    grants: { select: ["public"], insert: ["pg_monitor", "pg_read_all_data"] },
  };
}

/** The statements of each family. */
function familiesOf(all: Names): Readonly<Record<string, Family>> {
  const { at, other, id, note, day, added, text } = all;
  const query = queryOf(all);
  const settings = settingsOf(all);
  const both = [createTableAs(at, query, settings).text, createTableAs(other, query, settings).text];
  const checks = [
    { assertion: "a", expression: `${q(id)} > 1 -- more than one`, settings: { ...strict, strict: false } },
    { assertion: "a", expression: `${q(note)} <> ${quoteLiteral(text)}`, settings: strict },
  ];
  return {
    table: { needs: [], statements: [createTableAs(at, query, settings).text] },
    "unlogged table": {
      needs: [],
      statements: [createTableAs(at, query, { ...settings, unlogged: true }).text],
    },
    view: { needs: [], statements: [createView(at, query, false).text, createView(at, query, true).text] },
    "materialized view": { needs: [], statements: [createMaterializedView(at, query).text] },
    keys: { needs: [createTableAs(at, query, settings).text], statements: keyStatements(at, settings) },
    "foreign key": {
      needs: [
        createTableAs(at, query, settings).text,
        createTableAs(other, query, settings).text,
        ...keyStatements(other, { ...settings, indexes: [] }),
      ],
      statements: keyStatements(
        { ...at },
        {
          ...defaultPostgresSettings,
          foreignKeys: [
            { columns: [id], references: `${other.schema}.${other.name}`, referencedColumns: [id] },
          ],
        },
      ),
    },
    comments: {
      needs: [createTableAs(at, query, settings).text],
      statements: commentStatements(
        at,
        "table",
        {
          description: text,
          columns: [
            { name: id, description: `the ${text}` },
            { name: "gone", description: "not there" },
          ],
        },
        new Set([id]),
      ),
    },
    grants: { needs: [createTableAs(at, query, settings).text], statements: grantStatements(at, settings) },
    "range partitions": {
      needs: [createTableAs(other, query, defaultPostgresSettings).text],
      statements: [
        createPartitionedTable(at, other, { kind: "range", column: day, granularity: "month" }),
        neededPartitions(other, { kind: "range", column: day, granularity: "month" }),
        createPartition(
          at,
          { suffix: "2024_01", bound: "for values from ('2024-01-01') to ('2024-02-01')" },
          settings,
        ),
        createPartition(at, { suffix: "default", bound: "default" }, { unlogged: true }),
      ],
    },
    "list and hash partitions": {
      needs: [createTableAs(other, query, defaultPostgresSettings).text],
      statements: [
        createPartitionedTable(at, other, { kind: "list", column: note }),
        neededPartitions(other, { kind: "list", column: note }),
        neededPartitions(other, { kind: "hash", column: note, partitions: 3 }),
      ],
    },
    append: { needs: both, statements: [appendRows(at, other, [id, note])] },
    merge: {
      needs: both,
      statements: [
        keyFaults(other, [id, note]),
        mergeRows(at, other, [id, note, day], [id]),
        mergeRows(at, other, [id], [id]),
      ],
    },
    overwrite: {
      needs: both,
      statements: [
        deleteOverwritten(at, other, { kind: "range", column: day, granularity: "month" }),
        deleteOverwritten(at, other, { kind: "list", column: note }),
      ],
    },
    "new rows": { needs: [], statements: [createDelta(added, query).text] },
    columns: {
      needs: both,
      statements: alterColumns(
        at,
        [{ name: added, type: "numeric(10,2)", notNull: false }],
        [{ name: note, type: "text", notNull: false }],
      ),
    },
    "change by key": {
      needs: both,
      statements: deltaStatements({
        current: at,
        next: other,
        columns: [id, note, day],
        key: [id],
        only: true,
      }),
    },
    "change by whole rows": {
      needs: both,
      statements: deltaStatements({ current: at, next: other, columns: [id, note], only: false }),
    },
    assertions: {
      needs: both,
      statements: [
        conditionScan(at, checks),
        ...checks.map((check) => conditionSample(at, check)),
        uniqueScan(at, [q(id), `lower(${q(note)})`]),
        uniqueSample(at, [q(id)]),
        queryScan(`select * from ${quoteRelation(at)} -- all`),
        querySample(`select * from ${quoteRelation(at)} -- all`),
      ],
    },
    comparison: {
      needs: both,
      statements: [
        rowsMissingFrom(
          at,
          other,
          new Map([
            [id, "integer"],
            [note, "text"],
          ]),
          20,
        ),
      ],
    },
  };
}

const q = quoteIdentifier;
const { at, id, note, day } = names;
const [query, settings, families] = [queryOf(names), settingsOf(names), familiesOf(names)];

async function inTransaction(body: (transaction: Queryable) => Promise<void>): Promise<void> {
  const { warehouse } = await testDatabase();
  await warehouse.withSession((session) =>
    session.transaction(async (transaction) => {
      await transaction.query(`create schema "Sche""ma; --"`);
      await body(transaction);
    }),
  );
}

describe("statements with hostile names", () => {
  test.for(Object.keys(families))("%s: the text is the golden one, and the server takes it", async (name) => {
    const family = families[name];
    if (family === undefined) throw new Error(name);
    await inTransaction(async (transaction) => {
      for (const statement of [...family.needs, ...family.statements]) await transaction.query(statement);
    });
    await expect(`${family.statements.join(";\n\n")};\n`).toMatchFileSnapshot(
      `golden/${name.replaceAll(" ", "-")}.sql`,
    );
  });

  test("the server takes the statements of every family with any names and texts", async () => {
    const { warehouse } = await testDatabase();
    const any = fc
      .record({
        schema: hostileName,
        relations: fc.uniqueArray(hostileName, { minLength: 3, maxLength: 3 }),
        // What stands in parentheses is an expression in the settings of an index.
        columns: fc.uniqueArray(
          hostileName.filter((name) => !/^\(.*\)$/s.test(name)),
          { minLength: 4, maxLength: 4 },
        ),
        text: hostileValue.map((value) => value ?? ""),
      })
      .map(({ schema, relations: [name = "", second = "", index = ""], columns, text }): Names => {
        const [id = "", note = "", day = "", added = ""] = columns;
        return { at: { schema, name }, other: { schema, name: second }, id, note, day, added, index, text };
      })
      // A setting names the referenced table as schema.table, so neither may hold a point.
      .filter(({ other }) => !`${other.schema}${other.name}`.includes("."));
    await fc.assert(
      fc.asyncProperty(any, async (drawn) => {
        for (const { needs, statements } of Object.values(familiesOf(drawn))) {
          await warehouse.withSession(async (session) => {
            await session.query(`begin; create schema ${q(drawn.at.schema)}`);
            for (const statement of [...needs, ...statements]) await session.query(statement);
            await session.query("rollback");
          });
        }
      }),
      { numRuns: 12 },
    );
  });

  test("what is carried over: the text is the golden one, and the server takes it", async () => {
    let text = "";
    await inTransaction(async (transaction) => {
      const table = quoteRelation(at);
      await transaction.query(
        format(
          "%s; %s",
          createTableAs(at, query, settings).text.replace(" -- the end", ""),
          keyStatements(at, settings).join("; "),
        ),
      );
      await transaction.query(
        `comment on table ${table} is 'it''s'; grant select ("I""d") on ${table} to public with grant option`.replace(
          " with grant option",
          "",
        ),
      );
      await transaction.query(`create index "my ""index" on ${table} ((lower("no'te; --")))`);
      await transaction.query(
        `alter table ${table} add constraint "po'sitive" check ("I""d" > 0), alter column "no'te; --" set default 'it''s', replica identity full`,
      );
      await transaction.query(
        `create policy "po""licy" on ${table} for select to public using ("no'te; --" <> 'x'); alter table ${table} enable row level security`,
      );
      await transaction.query(`create statistics "Sche""ma; --"."sta'tistics" on "I""d", day from ${table}`);
      const facts = await readRelationFacts(transaction, at);
      if (facts === undefined) throw new Error("no facts");
      const aside = { schema: "private", name: at.name };
      await transaction.query(
        `create schema private; ${createTableAs(aside, query.replace(" -- the end", ""), settings).text}`,
      );
      const statements = carryOver(
        { ...facts, owner: "pg_database_owner" },
        {
          relation: aside,
          kind: "table",
          columns: [id, note, day],
          indexNames: new Set(),
          keepsManaged: true,
          describedColumns: new Set(),
          keyColumns: new Set(),
          ownOptions: new Set(["fillfactor"]),
        },
      );
      await transaction.query(`set local search_path = private, "Sche""ma; --"`);
      for (const statement of statements) await transaction.query(statement);
      text = `${statements.join(";\n")};\n`;
    });
    await expect(text).toMatchFileSnapshot("golden/carry-over.sql");
  });
});

describe("rewriting a relation", () => {
  test.for([
    ["a reference", 'select * from "s"."t"', 'select * from "private"."t"'],
    [
      "only whole references",
      'select * from "s"."t2", "x"."s"."t", "s"."t"',
      'select * from "s"."t2", "x"."s"."t", "private"."t"',
    ],
    [
      "no string",
      `select '"s"."t"' || E'\\'"s"."t"' || $$"s"."t"$$ from "s"."t"`,
      `select '"s"."t"' || E'\\'"s"."t"' || $$"s"."t"$$ from "private"."t"`,
    ],
    [
      "no comment",
      '/* "s"."t" /* "s"."t" */ */ select 1 -- "s"."t"\nfrom "s"."t"',
      '/* "s"."t" /* "s"."t" */ */ select 1 -- "s"."t"\nfrom "private"."t"',
    ],
  ] as const)("changes %s", ([, sql, expected]) => {
    expect(rewriteRelation(sql, { schema: "s", name: "t" }, { schema: "private", name: "t" })).toBe(expected);
  });
});
