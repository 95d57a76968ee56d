import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportTypes, typesDifference } from "../../src/check/report-types.js";
import { defineReport } from "../../src/project/report.js";
import { ref, sql } from "../../src/project/report-sql.js";
import { resetEmbedded } from "../../src/warehouse/embedded/embedded-server.js";
import { dataform } from "../support/command-line.js";
import { temporaryFolder } from "../support/project-folder.js";
import { settings } from "../support/temporary-project.js";

declare module "aquifer" {
  interface WarehouseQueries {
    "tests/typed": { days: { day: "date"; total: "numeric(12,2)"; note: "text"; made: "jsonb" } };
  }
}

const integer = { type: "integer", label: "x" } as const;
const days = { sql: sql`select day, total, note, made from ${ref("gold", "days")}` };
const words = { title: "t", description: "d", body: () => [] };

describe("a report that says its name", () => {
  it("compiles with the columns that its query returns, read as their types allow", () => {
    const date = { type: "date", label: "Day" } as const;
    const columns = { day: date, total: integer, made: { type: "text", label: "y" } } as const;
    expect(defineReport("tests/typed", { ...words, data: { days: { ...days, columns } } }).name).toBe(
      "tests/typed",
    );
  });

  it("does not compile with a misspelt column, or one read as what its type is not", () => {
    // @ts-expect-error the query does not return totl
    defineReport("tests/typed", { ...words, data: { days: { ...days, columns: { totl: integer } } } });
    // @ts-expect-error a date is no integer
    defineReport("tests/typed", { ...words, data: { days: { ...days, columns: { day: integer } } } });
    expect(typeof defineReport).toBe("function");
  });

  it("declares what it likes where the query is shaped, or is not known yet", () => {
    const shape = <T>(table: T): T => table;
    const columns = { totl: integer };
    defineReport("tests/typed", { ...words, data: { days: { ...days, shape, columns } } });
    defineReport("tests/typed", { ...words, data: { others: { ...days, columns } } });
    expect(defineReport("tests/new", { ...words, data: { days: { ...days, columns } } }).name).toBe(
      "tests/new",
    );
  });
});

describe("the text of the types", () => {
  const text = reportTypes({ "a/b": { q: [{ name: 'odd "name"', type: "bigint" }] } });

  it("holds any name", () => {
    expect(text).toContain('        "odd \\"name\\"": "bigint";\n');
  });

  it("is compared column by column", () => {
    const columns = [
      { name: "x", type: "text" },
      { name: "y", type: "date" },
    ];
    expect(typesDifference(text, text)).toEqual([]);
    expect(typesDifference(text, reportTypes({ "a/b": { q: columns } }))).toEqual([
      '- a/b, q: odd \\"name\\" bigint',
      "+ a/b, q: x text",
      "+ a/b, q: y date",
    ]);
    expect(typesDifference(undefined, reportTypes({ "a/b": { q: columns } }))).toHaveLength(2);
    expect(typesDifference(`${text}\n`, text)).toEqual([
      "it was not written by this version of dataform check",
    ]);
  });
});

describe("dataform check and types/warehouse.d.ts", () => {
  const root = temporaryFolder();
  const types = join(root, "types/warehouse.d.ts");
  const model = (columns: string): void =>
    writeFileSync(join(root, "definitions/days.sqlx"), `config { type: "table" }\nselect ${columns}`);
  beforeAll(() => {
    for (const folder of ["definitions", "reports/sales"]) mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, "dataform.json"), settings);
    writeFileSync(
      join(root, "reports/sales/days.ts"),
      `import { defineReport, ref, sql } from "aquifer";
export default defineReport("sales/days", {
  title: "t",
  description: "d",
  data: { days: { sql: sql\`select * from \${ref("silver", "days")}\`, columns: { day: { type: "date", label: "Day" } } } },
  body: () => [],
});`,
    );
    model("date '2024-01-01' as day, 2.5 as total");
  });
  afterAll(() => resetEmbedded(root));

  it("fails when locked and not there, and writes nothing", async () => {
    const { exitCode, stdout } = await dataform(["check", "--locked"], { cwd: root });
    expect(stdout).toContain("types/warehouse.d.ts: is not there\n  + sales/days, days: day date\n");
    expect([exitCode, existsSync(types)]).toEqual([1, false]);
  });

  it("is written once, and not again while nothing changes", async () => {
    expect(await dataform(["check"], { cwd: root })).toMatchObject({ exitCode: 0 });
    expect(readFileSync(types, "utf8")).toContain('        "total": "numeric";\n');
    const written = statSync(types).mtimeMs;
    expect(await dataform(["check", "--locked"], { cwd: root })).toMatchObject({ exitCode: 0 });
    await dataform(["check"], { cwd: root });
    expect(statSync(types).mtimeMs).toBe(written);
  });

  it("fails when locked and stale, telling the difference", async () => {
    model("date '2024-01-01' as day, 2 as total, 'x' as note");
    const { exitCode, stdout } = await dataform(["check", "--locked"], { cwd: root });
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      "types/warehouse.d.ts: is not what the reports' queries return\n  - sales/days, days: total numeric\n  + sales/days, days: total integer\n  + sales/days, days: note text\n",
    );
  });

  it("is left alone while a query cannot be judged", async () => {
    const before = readFileSync(types, "utf8");
    model("dat");
    expect(await dataform(["check"], { cwd: root })).toMatchObject({ exitCode: 1 });
    expect(readFileSync(types, "utf8")).toBe(before);
  });

  it("refuses a report that calls itself by another name", async () => {
    const file = join(root, "reports/sales/other.ts");
    writeFileSync(file, readFileSync(join(root, "reports/sales/days.ts")));
    const { exitCode, stderr } = await dataform(["check"], { cwd: root });
    rmSync(file);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('reports/sales/other.ts: the report calls itself "sales/days"');
  });
});
