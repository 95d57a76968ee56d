import { expect, test } from "vitest";
import { defineSource } from "../../src/project/source.js";
import { ingestProject } from "./support.js";

const source = defineSource({
  name: "shop/x",
  files: "*.csv*",
  columns: { id: {}, note: {} },
  maxRejected: 10,
});
const rows = 450_000;

/** Over 32 MB, so two connections share it; records over several lines, so a line is no record. */
function content(): string {
  const padding = "x".repeat(60);
  const lines = Array.from({ length: rows }, (_, index) => {
    const row = index + 1;
    if (row % 100_000 === 0) return `${row},${padding},too many`;
    return row % 3 === 0 ? `${row},"${padding}\nline ""two"", of ${row}"` : `${row},${padding}`;
  });
  return `\uFEFFid,note\r\n${lines.join("\r\n")}\r\n`;
}

test("a file that two connections share arrives whole, every row under its own number", async () => {
  const project = await ingestProject([source], { "raw/shop/x.csv": content() });
  const copying = new Set<string>();
  const result = await project.ingest({
    onEvent: (event) => {
      if (event.kind !== "progress" || event.phase !== "loading" || copying.size > 1) return;
      void project
        .rows("select pid::text from pg_stat_progress_copy where datname = current_database()")
        .then(
          (found) => found.forEach(([pid]) => copying.add(String(pid))),
          () => undefined,
        );
    },
  });
  expect(copying.size).toBe(2);
  expect(result.files).toMatchObject([{ rows: rows - 4, rejected: 4, method: "bytes" }]);
  expect(
    await project.rows(`
      select count(*), count(distinct _row) as numbers, bool_and(id = _row::text) as in_place,
        bool_and(case when _row % 3 = 0 then note like '%line "two", of ' || _row else note !~ '\\n' end) as whole
      from bronze.shop_x`),
  ).toEqual([[String(rows - 4), String(rows - 4), true, true]]);
  expect(await project.rows("select row_number, line from aquifer.ingest_reject order by 1")).toEqual(
    [1, 2, 3, 4].map((part) => {
      const row = part * 100_000;
      // Row 300,000 is one of those with a field too many, and so on one line.
      const extraLines = Math.floor((row - 1) / 3) - (row > 300_000 ? 1 : 0);
      return [String(row), String(1 + row + extraLines)];
    }),
  );
});
