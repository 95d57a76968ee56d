import { format } from "node:util";
import { describe, expect, test } from "vitest";
import { quoteRelation, type RelationName } from "../../src/base/identifiers.js";
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
import { testDatabase } from "../support/project.js";

/** Names as hostile as PostgreSQL takes them. */
const at: RelationName = { schema: 'Sche"ma; --', name: "ta'ble $1 é" };
const other: RelationName = { schema: 'Sche"ma; --', name: "other\n😀" };
const [id, note, day] = ['I"d', "no'te; --", "day"];
const query = `select n as "I""d", 'x' || n as "no'te; --", date '2024-01-30' + n as day from generate_series(1, 3) as n -- the end`;

const settings: PostgresSettings = {
  ...defaultPostgresSettings,
  fillfactor: 70,
  primaryKey: [id],
  indexes: [
    { columns: [note, '(lower("no\'te; --"))'], unique: false, include: [day], where: "day is not null" },
    { columns: [day], unique: true, include: [], method: "btree", name: 'own "name"' },
  ],
  grants: { select: ["public"], insert: ["pg_monitor", "pg_read_all_data"] },
};

const strict = { severity: "fail", maxFailing: { rows: 0 }, strict: true, sample: true } as const;
const checks = [
  { assertion: "a", expression: `"I""d" > 1 -- more than one`, settings: { ...strict, strict: false } },
  { assertion: "a", expression: `"no'te; --" <> 'x2'`, settings: strict },
];

/** The statements of each family; each runs after those of \`needs\`. */
const families: Readonly<
  Record<string, { readonly needs: readonly string[]; readonly statements: readonly string[] }>
> = {
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
        description: "it's\\ all",
        columns: [
          { name: id, description: "the 'id'" },
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
  append: { needs: both(), statements: [appendRows(at, other, [id, note])] },
  merge: {
    needs: both(),
    statements: [
      keyFaults(other, [id, note]),
      mergeRows(at, other, [id, note, day], [id]),
      mergeRows(at, other, [id], [id]),
    ],
  },
  overwrite: {
    needs: both(),
    statements: [
      deleteOverwritten(at, other, { kind: "range", column: day, granularity: "month" }),
      deleteOverwritten(at, other, { kind: "list", column: note }),
    ],
  },
  "new rows": { needs: [], statements: [createDelta('de"lta', query).text] },
  columns: {
    needs: both(),
    statements: alterColumns(
      at,
      [{ name: 'n"ew', type: "numeric(10,2)", notNull: false }],
      [{ name: note, type: "text", notNull: false }],
    ),
  },
  "change by key": {
    needs: both(),
    statements: deltaStatements({
      current: at,
      next: other,
      columns: [id, note, day],
      key: [id],
      only: true,
    }),
  },
  "change by whole rows": {
    needs: both(),
    statements: deltaStatements({ current: at, next: other, columns: [id, note], only: false }),
  },
  assertions: {
    needs: both(),
    statements: [
      conditionScan(at, checks),
      ...checks.map((check) => conditionSample(at, check)),
      uniqueScan(at, [`"I""d"`, 'lower("no\'te; --")']),
      uniqueSample(at, [`"I""d"`]),
      queryScan(`select * from ${quoteRelation(at)} -- all`),
      querySample(`select * from ${quoteRelation(at)} -- all`),
    ],
  },
  comparison: {
    needs: both(),
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

function both(): string[] {
  return [createTableAs(at, query, settings).text, createTableAs(other, query, settings).text];
}

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
