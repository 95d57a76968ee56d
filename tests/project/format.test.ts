import { cpSync, existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileProject } from "../../src/project/compile.js";
import { formatSqlx } from "../../src/project/format-sqlx.js";
import { dataform } from "../support/command-line.js";
import { temporaryProject } from "../support/temporary-project.js";

const repository = join(import.meta.dirname, "../..");

async function formatted(source: string): Promise<string> {
  return (await formatSqlx(source)).text;
}

test("config, JavaScript and SQL are formatted, blocks keep their order", async () => {
  const source = `config{}config {type:"table",tags:["a"]}
js {const a=[1,2].map(x=>\`
  keep  \${x}\`)}
select a,b from \${ref("x")} where a=1 and b='  two  '
post_operations { select   1
---
grant select on \${self()} to public }`.replace("config{}", "");
  expect(await formatted(source)).toBe(`config { type: "table", tags: ["a"] }

js {
  const a = [1, 2].map(
    (x) => \`
  keep  \${x}\`,
  );
}

select
  a,
  b
from
  \${ref("x")}
where
  a = 1
  and b = '  two  '

post_operations {
  select
    1
  ---
  grant
  select
    on \${self()} to public
}
`);
});

test("SQL that cannot be read stays as it is, and that is said", async () => {
  const source = "config { type: 'view' }\n\nselect (((\n";
  const { text, notes } = await formatSqlx(source);
  expect(text).toBe('config { type: "view" }\n\nselect (((\n');
  expect(notes).toEqual([expect.stringContaining("SQL left as it is")]);
});

test("a block in the middle of the SQL leaves the file alone", async () => {
  const source = "select 1\njs { const a = 1 }\nfrom t\n";
  expect(await formatSqlx(source)).toEqual({
    text: source,
    notes: ["left as it is: a block stands in the middle of its SQL"],
  });
});

const expressions = [
  "a",
  "count(*)",
  "'it''s'",
  "'x  y'",
  "E'\\\\n'",
  "${f(`a  ${1}`)}",
  '"Q  q"',
  "a ->> 'k'",
  "a::int",
];
const sources = [
  "t",
  '${ref("x")}',
  '${ref("s", "x")} as y',
  "(select 1) as z",
  "generate_series(1, 2) as g",
];
const tails = [
  "",
  " where a = 1 and b <> -1",
  "\n${when(incremental(), `where x > 1`)}\n",
  " -- why  so",
  " group by 1 order by a desc",
];
const statement = fc
  .tuple(
    fc.array(fc.constantFrom(...expressions), { minLength: 1 }),
    fc.constantFrom(...sources),
    fc.constantFrom(...tails),
  )
  .map(([list, from, tail]) => `select ${list.join(", ")} from ${from}${tail}`);
const file = fc
  .tuple(
    fc.boolean(),
    fc.boolean(),
    statement,
    fc.option(fc.array(statement, { minLength: 1, maxLength: 2 })),
  )
  .map(([config, js, body, operations]) =>
    [
      config ? 'config { type: "table",tags:["x"] }' : "",
      js ? "js { const f = x => `  ${x}\n   b` }" : "",
      body,
      operations ? `pre_operations {${operations.join("\n---\n")}\n}` : "",
    ].join("\n"),
  );

test("formatting twice is formatting once", async () => {
  await fc.assert(
    fc.asyncProperty(file, async (source) => {
      const once = await formatted(source);
      expect(await formatted(once)).toBe(once);
    }),
    { numRuns: 60 },
  );
});

test("formatting changes white space only", async () => {
  await fc.assert(
    fc.asyncProperty(statement, async (source) => {
      const bare = (text: string): string => text.replace(/\s+/g, "");
      expect(bare(await formatted(source))).toBe(bare(source));
      for (const [quoted] of source.matchAll(/'(?:[^']|'')*'|"[^"]*"|\$\{.*?`.*?`\)\}/g)) {
        expect(await formatted(source)).toContain(quoted);
      }
    }),
    { numRuns: 60 },
  );
});

/** A graph with its SQL reduced to what is not white space. */
async function graphOf(projectRoot: string): Promise<unknown> {
  const { graph } = await compileProject({ projectRoot });
  return JSON.parse(
    JSON.stringify(graph, (_, value: unknown) =>
      typeof value === "string" ? value.replace(/\s+/g, "") : value,
    ),
  );
}

const fixtures = join(repository, "tests/conformance/fixtures");

describe.each([...readdirSync(fixtures).map((name) => join(fixtures, name)), repository])(
  "project %s",
  (from) => {
    test("compiles to the same graph after formatting, and passes --check", async () => {
      const root = temporaryProject({});
      for (const part of readdirSync(from).filter((name) =>
        /^(definitions|includes|.*\.json|.*\.yaml)$/.test(name),
      )) {
        if (!/^(tsconfig|package)/.test(part))
          cpSync(join(from, part), join(root, part), { recursive: true });
      }
      if (existsSync(join(from, "workflow_settings.yaml"))) rmSync(join(root, "dataform.json"));
      const before = await graphOf(root);
      expect((await dataform(["format"], { cwd: root })).exitCode).toBe(0);
      expect(await graphOf(root)).toEqual(before);
      const check = await dataform(["format", "--check"], { cwd: root });
      expect(check.stdout).toContain("all formatted");
      expect(check.exitCode).toBe(0);
    });
  },
);

test("--check changes nothing and exits 1; --actions and --ignore-js-files choose files", async () => {
  const root = temporaryProject({
    "definitions/a.sqlx": "select  1",
    "definitions/b/c.sqlx": "select  1",
    "includes/d.js": "module.exports={}",
  });
  const check = await dataform(["format", "--check"], { cwd: root });
  expect(check).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining("3 files checked, 3 not formatted.") as string,
  });
  expect(readFileSync(join(root, "definitions/a.sqlx"), "utf8")).toBe("select  1");
  const some = await dataform(["format", "--actions", "definitions/b/**"], { cwd: root });
  expect(some.stdout).toBe("Formatted:  definitions/b/c.sqlx\n1 file checked, 1 formatted.\n");
  const sql = await dataform(["format", "--ignore-js-files"], { cwd: root });
  expect(sql.stdout).toBe("Formatted:  definitions/a.sqlx\n2 files checked, 1 formatted.\n");
  expect(await dataform(["format", "--actions", "nothing/**"], { cwd: root })).toMatchObject({ exitCode: 2 });
});

test("JavaScript that does not parse is an error at its place, and the other files are formatted", async () => {
  const root = temporaryProject({ "definitions/a.js": "const a = ;\n", "definitions/b.sqlx": "select  1" });
  const { exitCode, stderr, stdout } = await dataform(["format"], { cwd: root });
  expect(exitCode).toBe(1);
  expect(stderr).toContain("definitions/a.js:1:11: Unexpected token");
  expect(stdout).toContain("Formatted:  definitions/b.sqlx");
});
