import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { alignSqlx, sourceOffset } from "../../src/project/sqlx-alignment.js";
import { parseSqlx } from "../../src/project/sqlx.js";

const { compiler } = createRequire(import.meta.url)("@dataform/core") as {
  compiler: (code: string, path: string) => string;
};

// Pieces that core's lexer treats in ways of its own, to be thrown together at random.
const pieces = [
  "select 1",
  " from t\n",
  "config { type: 'table' }\n",
  "js { const a = { b: `x${1}}` }; }\n",
  "pre_operations { select 1\n---\nselect 2 }\n",
  "post_operations { select '}' }\n",
  "incremental_where { x > 1 }\n",
  'input "a", "b" { select 1 as id }\n',
  "${ref('a')}",
  "${when(x, `select ${'}'} from b`)}",
  "'it''s ${1} \\\\ '",
  '"quoted ${2}"',
  "'''three ' '''",
  "`tick`",
  "\\",
  "-- comment ` ${no} '\n",
  "/* block ' ` ${no} */",
  "\n---\n",
  " --- ",
  "😀",
  "\r\n",
  "{",
  "' unclosed",
  "myjs { }",
];

test("every text is covered by its parts, in order, without a gap", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces)), (chosen) => {
      const text = chosen.join("");
      const { blocks } = parseSqlx(text);
      const outer = blocks.filter((block) => block.kind !== "sql").map(({ start, end }) => ({ start, end }));
      const inner = blocks
        .filter((block) => block.kind === "sql")
        .flatMap((block) => block.statements.flat());
      const covered = [...outer, ...inner].sort((a, b) => a.start - b.start);
      const rest = text.length - covered.reduce((sum, { start, end }) => sum + end - start, 0);
      const separators = parseSqlx(text).blocks.at(-1)?.statements.length ?? 1;
      // What is covered by nothing are the separators between statements, of three dashes or more.
      expect(rest).toBeGreaterThanOrEqual(3 * (separators - 1));
      if (separators === 1) expect(rest).toBe(0);
    }),
  );
});

test("core's compiled JavaScript is aligned, and each aligned character stands at its place in the file", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (chosen) => {
      const text = chosen.join("");
      let compiled: string;
      try {
        compiled = compiler(text, "definitions/a.sqlx");
      } catch {
        return; // what core refuses
      }
      const alignment = alignSqlx(parseSqlx(text), compiled);
      if (alignment === undefined) {
        // Core itself loses track of an inner block that never ends.
        expect(
          parseSqlx(text).blocks.some((block) => block.kind !== "sql" && block.bodyEnd === block.end),
        ).toBe(true);
        return;
      }
      for (const segment of alignment.segments) {
        for (let at = segment.compiledStart; at < segment.compiledEnd; at++) {
          const source = sourceOffset(alignment, compiled, at);
          if (source === undefined || compiled[at] === "\\") continue;
          expect(text[source]).toBe(compiled[at]);
        }
      }
    }),
    { numRuns: 500 },
  );
});
