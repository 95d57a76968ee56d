import type { KnownRelation } from "../../src/check/empty-build.js";
import type { CheckedReport } from "../../src/check/check-report.js";
import type { Random } from "../../src/project/random.js";
import { defineReport, type Report } from "../../src/project/report.js";
import { ref, sql } from "../../src/project/report-sql.js";

/** What a model selects for a column, from one or two inputs `a` and `b`. */
type Expression = string;

interface Model {
  kind: "table" | "view" | "incremental" | "materialized";
  /** Names of models or sources. */
  a: string;
  b: string;
  columns: [name: string, expression: Expression][];
  /** Settings beside the type. */
  settings: string;
  operations: string;
  tail: string;
  description: string;
  disabled: boolean;
}

/**
 * A project of some thirty models that is changed at random, in ways that people change projects: most edits keep it sound,
 * some break it or mend it. Between two edits everything else stays as it was, to the letter.
 */
export class EditedProject {
  private readonly models = new Map<string, Model>();
  private readonly operations = new Map<string, string>();
  private readonly assertions = new Map<string, string>();
  private readonly tests = new Map<string, string>();
  private readonly declarations = new Set(["orders", "customers"]);
  private readonly queries = new Map<string, [model: string, column: string, wanted: string]>();
  private sources: Record<string, string[]> = {
    orders: ["id integer", "amount numeric(10,2)", "day date", "note text"],
    customers: ["id integer", "name text", "city varchar(20)"],
  };
  private include = "numeric(12, 2)";
  private named = 0;

  constructor(
    private readonly random: Random,
    size: number,
  ) {
    for (let index = 0; index < size; index++) this.addModel();
    for (let index = 0; index < 4; index++) this.addReport();
  }

  /** Changes something and says what. */
  edit(): string {
    const { random } = this;
    const edits: readonly [string, () => string][] = [
      ["column", () => this.changeColumn()],
      ["column", () => this.changeColumn()],
      ["break", () => this.breakModel()],
      ["mend", () => this.mendModel()],
      ["mend", () => this.mendModel()],
      ["rename", () => this.renameModel()],
      ["delete", () => this.deleteModel()],
      ["add", () => this.addModel()],
      ["settings", () => this.changeSettings()],
      ["own statements", () => this.changeOperations()],
      ["kind", () => this.changeKind()],
      ["inputs", () => this.changeInputs()],
      ["tail", () => this.changeTail()],
      ["description", () => this.describeModel()],
      ["disabled", () => this.disableModel()],
      ["source", () => this.changeSource()],
      ["declaration", () => this.changeDeclaration()],
      ["operation", () => this.changeOperation()],
      ["assertion", () => this.changeAssertion()],
      ["unit test", () => this.changeTest()],
      ["report", () => this.changeReport()],
      ["include", () => this.changeInclude()],
    ];
    const [what, change] = random.pick(edits as [(typeof edits)[number]]);
    return `${what}: ${change()}`;
  }

  get known(): KnownRelation[] {
    return Object.entries(this.sources).map(([name, columns]) => ({
      name: { schema: "bronze", name },
      kind: "source",
      columns: columns.map((each) => {
        const space = each.indexOf(" ");
        return { name: each.slice(0, space), type: each.slice(space + 1) };
      }),
    }));
  }

  /** Texts by path. */
  get files(): Record<string, string> {
    const files: Record<string, string> = {
      "includes/money.js": `exports.rounded = (column) => "(" + column + ")::${this.include}";\n`,
    };
    for (const name of this.declarations) {
      files[`definitions/bronze/${name}.sqlx`] =
        `config { type: "declaration", schema: "bronze", name: "${name}" }\n`;
    }
    for (const [name, model] of this.models) files[`definitions/${name}.sqlx`] = this.modelText(model);
    for (const [name, text] of this.operations) files[`definitions/${name}.sqlx`] = text;
    for (const [name, text] of this.assertions) files[`definitions/${name}.sqlx`] = text;
    for (const [name, text] of this.tests) files[`definitions/${name}.sqlx`] = text;
    return files;
  }

  get reports(): CheckedReport[] {
    const data = Object.fromEntries(
      [...this.queries].map(([name, [model, column, wanted]]) => {
        const query = sql`select id, ${{ kind: "sql", parts: [column], holes: [] }} from ${ref("silver", model)} where id > ${3}`;
        return [name, { sql: query, columns: { [wanted]: { type: "integer", label: "x" } } }];
      }),
    ) as Report["data"];
    const report = defineReport({ title: "t", description: "d", data, body: () => [] });
    return [{ name: "sales", file: "reports/sales.ts", source: "", report }];
  }

  private modelText(model: Model): string {
    const { kind, a, b, columns, settings, operations, tail, description, disabled } = model;
    const type = kind === "materialized" ? 'type: "view", materialized: true' : `type: "${kind}"`;
    const key = kind === "incremental" ? ', uniqueKey: ["id"]' : "";
    const words = [type + key, `description: "${description}"`, `disabled: ${disabled}`, settings];
    const list = columns.map(([name, expression]) => `  ${expression} as ${name}`).join(",\n");
    const when = kind === "incremental" ? '${when(incremental(), "where a.id > 5")}' : "";
    return `config { ${words.filter((each) => each !== "").join(", ")} }
${operations}
select
${list}
from ${this.input(a)} a
left join ${this.input(b)} b on a.id = b.id
${tail.startsWith("where") && when !== "" ? "" : tail} ${when}
`;
  }

  /** What is there is read by `ref`, what is not any more by its name. */
  private input(name: string): string {
    if (this.models.has(name) || this.declarations.has(name)) return `\${ref("${name}")}`;
    return name in this.sources ? `bronze.${name}` : `silver.${name}`;
  }

  private anyModel(): [string, Model] {
    return this.random.pick([...this.models] as [[string, Model]]);
  }

  private expressions(): Expression[] {
    const { random } = this;
    const number = random.integer(1, 9);
    return [
      ...["a.id", "b.id", "a.id + 1", `${number}::bigint`, "a.id is not null", "now()", "null", "'x'"],
      ...["array[a.id]", "a.id::varchar(7)", "interval '1 day' * a.id", "a.id / 2.0", "'x' collate \"C\""],
      ...["'{}'::jsonb", "row_number() over (order by a.id)", '${money.rounded("a.id")}', "a.c1", "b.c1"],
      ...["coalesce(a.c1::text, b.c2::text)", "'b'::bpchar", "'1'::\"char\"", "timestamp(3) '2024-01-01'"],
    ];
  }

  private addModel(): string {
    const { random } = this;
    const name = `m${this.named++}`;
    const earlier = [...Object.keys(this.sources), ...this.models.keys()] as [string];
    const from = earlier.slice(-8) as unknown as [string];
    this.models.set(name, {
      kind: random.pick(["table", "table", "table", "view", "incremental", "materialized"]),
      ...{ a: random.pick(from), b: random.pick(from) },
      columns: [
        ["id", "a.id"],
        ["c1", random.pick(this.expressions().slice(0, -6) as [string])],
        ["c2", random.pick(this.expressions().slice(0, -6) as [string])],
      ],
      ...{ settings: "", operations: "", tail: "", description: name, disabled: false },
    });
    return name;
  }

  private changeColumn(): string {
    const [name, model] = this.anyModel();
    const column = this.random.integer(1, model.columns.length - 1);
    const expression = this.random.pick(this.expressions() as [string]);
    model.columns[column] = [model.columns[column]?.[0] ?? "", expression];
    return `${name}.${column} ${expression}`;
  }

  private breakModel(): string {
    const [name, model] = this.anyModel();
    const expressions = [
      ...["a.absent", "selec", "a.id + 'x'::text", "nowhere(a.id)", "f1(a.id)", "silver.f1(a.id)", "b.*"],
      ...["'silver.m3'::regclass", "'happy'::silver.mood", "null::silver.absent", "a", "null::silver.m2"],
      ...["(select c1 from silver.m1)", "(select count(*) from silver.extra)", "(a.c3).id", "1 / 0"],
    ];
    const expression = this.random.pick(expressions as [string]);
    model.columns[3] = ["c3", expression];
    return `${name} ${expression}`;
  }

  private mendModel(): string {
    const broken = [...this.models].filter(([, { columns, tail }]) => columns.length > 3 || tail !== "");
    if (broken.length === 0) return this.changeColumn();
    const [name, model] = this.random.pick(broken as [(typeof broken)[number]]);
    model.columns = model.columns.slice(0, 3);
    model.tail = "";
    return name;
  }

  private renameModel(): string {
    const [name] = this.anyModel();
    const renamed = this.random.pick([`m${this.named++}`, "extra", `${name}_pkey`, "m1", "m2"]);
    if (this.models.has(renamed)) return this.describeModel();
    const entries = [...this.models].map(([each, its]) => [each === name ? renamed : each, its] as const);
    this.models.clear();
    for (const [each, its] of entries) this.models.set(each, its);
    if (this.random.chance(0.5)) {
      for (const other of this.models.values()) {
        if (other.a === name) other.a = renamed;
        if (other.b === name) other.b = renamed;
      }
    }
    return `${name} ${renamed}`;
  }

  private deleteModel(): string {
    if (this.models.size < 20) return this.addModel();
    const [name] = this.anyModel();
    this.models.delete(name);
    for (const [key, text] of [...this.tests, ...this.assertions, ...this.operations]) {
      if (!text.includes(`"${name}"`)) continue;
      for (const each of [this.tests, this.assertions, this.operations]) each.delete(key);
    }
    for (const [key, [model]] of this.queries) if (model === name) this.queries.delete(key);
    return name;
  }

  private changeSettings(): string {
    const [name, model] = this.anyModel();
    const other = this.anyModel()[0];
    const postgres = (text: string): string => `metadata: { extraProperties: { postgres: { ${text} } } }`;
    model.settings = this.random.pick([
      "",
      postgres('primaryKey: ["id"]'),
      postgres('primaryKey: ["id"]'),
      postgres('indexes: [{ columns: ["c1"] }]'),
      postgres(`indexes: [{ columns: ["id"], unique: true, name: "the_index" }]`),
      postgres('partitionBy: { column: "id", hash: 2 }'),
      postgres(
        `primaryKey: ["id"], foreignKeys: [{ columns: ["id"], references: { table: "silver.${other}", columns: ["id"] } }]`,
      ),
      'assertions: { uniqueKey: ["id"] }',
      `assertions: { nonNull: ["c1"], rowConditions: ["id in (select id from silver.${other})"] }`,
    ]);
    return `${name} ${model.settings}`;
  }

  private changeOperations(): string {
    const [name, model] = this.anyModel();
    const other = this.anyModel()[0];
    model.operations = this.random.pick([
      "",
      "",
      "post_operations { create index on ${self()} (id) }",
      "post_operations { create index an_index on ${self()} (id) }",
      "post_operations { comment on column ${self()}.c1 is 'x' }",
      "post_operations { grant select on ${self()} to public }",
      "post_operations { alter table ${self()} add column more integer }",
      `post_operations { insert into silver.${other} (id) select id from \${self()} }`,
      "pre_operations { set local work_mem = '8MB' }",
      "pre_operations { set search_path = silver }",
      `pre_operations { create temp table t as select id from silver.${other} }`,
      "post_operations { create view silver.extra as select id from ${self()} }",
    ]);
    return `${name} ${model.operations}`;
  }

  private changeKind(): string {
    const [name, model] = this.anyModel();
    model.kind = this.random.pick(["table", "view", "incremental", "materialized"]);
    return `${name} ${model.kind}`;
  }

  private changeInputs(): string {
    const names = [...this.models.keys()];
    const [name, model] = this.anyModel();
    const earlier = [...Object.keys(this.sources), ...names.slice(0, names.indexOf(name))] as [string];
    model.b = this.random.pick(earlier);
    return `${name} ${model.b}`;
  }

  private changeTail(): string {
    const [name, model] = this.anyModel();
    model.tail = this.random.pick([
      "",
      "where a.id > 3",
      "group by a.id",
      "where exists (select from silver.m1)",
    ]);
    return `${name} ${model.tail}`;
  }

  private describeModel(): string {
    const [name, model] = this.anyModel();
    model.description = `text ${this.random.integer(1, 1000)}`;
    return name;
  }

  private disableModel(): string {
    const [name, model] = this.anyModel();
    model.disabled = !model.disabled && this.random.chance(0.5);
    return `${name} ${model.disabled}`;
  }

  private changeSource(): string {
    const types = ["integer", "bigint", "numeric(10,2)", "text", "date"] as const;
    const name = this.random.pick(["orders", "customers"]);
    this.sources = {
      ...this.sources,
      [name]: ["id integer", `c1 ${this.random.pick(types)}`, `c2 ${this.random.pick(types)}`],
    };
    return name;
  }

  private changeDeclaration(): string {
    const name = this.random.pick(["orders", "customers", "foreign"]);
    if (!this.declarations.delete(name)) this.declarations.add(name);
    return name;
  }

  private changeOperation(): string {
    const name = `o${this.random.integer(1, 3)}`;
    const [model] = this.anyModel();
    const text = this.random.pick([
      "",
      "",
      "create function silver.f1(x integer) returns integer language sql as 'select x'",
      "create function silver.f1(x integer) returns text language sql as 'select x::text'",
      "create type silver.mood as enum ('happy')",
      `alter table silver.${model} add column extra integer`,
      `alter table \${ref("${model}")} drop column c1`,
      `drop table if exists silver.${model}`,
      `create table silver.extra as select * from \${ref("${model}")}`,
      `do $$ begin if exists (select from silver.${model}) then perform 1; end if; end $$`,
      `insert into silver.${model} (id) values (1)`,
      "create table silver.m1_pkey (id integer)",
      "create index the_index on silver.m2 (id)",
      "drop type if exists silver.mood cascade",
    ]);
    if (text === "") this.operations.delete(name);
    else this.operations.set(name, `config { type: "operations" }\n${text}\n`);
    return `${name} ${text}`;
  }

  private changeAssertion(): string {
    const name = `s${this.random.integer(1, 2)}`;
    const [model] = this.anyModel();
    const column = this.random.pick(["id", "c1", "absent"]);
    this.assertions.set(
      name,
      `config { type: "assertion" }\nselect * from \${ref("${model}")} where ${column} is null\n`,
    );
    return `${name} ${model} ${column}`;
  }

  private changeTest(): string {
    const [model, { a, b }] = this.anyModel();
    const inputs = [...new Set([a, b])].map(
      (name) => `input "${name}" { select 1 as id, 2 as c1, 3 as c2 }\n`,
    );
    const isKnown = (name: string): boolean => this.models.has(name) || this.declarations.has(name);
    if (!isKnown(a) || !isKnown(b)) return this.describeModel();
    this.tests.clear();
    const expected = this.random.pick(["1 as id", "1 as id, 2 as c1, 3 as c2"]);
    this.tests.set(
      "t1",
      `config { type: "test", dataset: "${model}" }\n${inputs.join("")}select ${expected}\n`,
    );
    return `${model} ${expected}`;
  }

  private addReport(): string {
    const name = `q${this.random.integer(1, 6)}`;
    const [model] = this.anyModel();
    this.queries.set(name, [
      model,
      this.random.pick(["c1", "c2", "c1", "c2", "absent"]),
      this.random.pick(["id", "c1", "c2"]),
    ]);
    return `${name} ${model}`;
  }

  private changeReport(): string {
    return this.addReport();
  }

  private changeInclude(): string {
    this.include = this.random.pick(["numeric(12, 2)", "bigint", "text", "nonsense"]);
    return this.include;
  }
}
