import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { AquiferError, describeError } from "../../src/base/errors.js";
import { copyParquet } from "../../src/ingest/copy-parquet.js";
import { discoverFiles } from "../../src/ingest/discover-files.js";
import { inspectFile } from "../../src/ingest/plan-file.js";
import { defineSource, type SourceOptions } from "../../src/project/source.js";
import { freshDatabase } from "../support/database.js";
import { describeOnServers } from "../support/servers.js";
import { ScratchFile } from "../../src/ingest/scratch-file.js";
import { ingestProject, type IngestProject } from "./support.js";

/** The bytes of a Parquet file with the rows of a query of literals. */
async function parquet(query: string, options = ""): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "parquet-of-test-"));
  const instance = await DuckDBInstance.create(":memory:");
  try {
    const connection = await instance.connect();
    await connection.run(`copy (${query}) to '${join(folder, "x")}' (format parquet${options})`);
    connection.closeSync();
    return await readFile(join(folder, "x"));
  } finally {
    instance.closeSync();
    await rm(folder, { recursive: true });
  }
}

function readings(options: Partial<SourceOptions> = {}) {
  return defineSource({
    name: "shop/readings",
    files: "*.parquet",
    format: "parquet",
    columns: { id: {}, note: {} },
    ...options,
  });
}

const two = "values (1, 'a'), (2, 'b')";
const named = (values: string, names = "id, note"): string => `select * from (${values}) as t(${names})`;

async function failure(promise: Promise<unknown>): Promise<AquiferError> {
  const thrown: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof AquiferError)) throw new Error("expected an AquiferError", { cause: thrown });
  return thrown;
}

const stored = "select id, note from bronze.shop_readings order by _file_id, _row";

/** What loads left behind in the folder for temporary files, which is one of these tests alone. */
const pipes = async (): Promise<string[]> =>
  (await readdir(ownFolder)).filter((name) => name.startsWith("aquifer-parquet-"));

let ownFolder: string;
beforeAll(async () => {
  ownFolder = await mkdtemp(join(tmpdir(), "aquifer-of-parquet-"));
  vi.stubEnv("TMPDIR", ownFolder);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(ownFolder, { recursive: true });
});

/** SQL of DuckDB, and the text that stands in bronze. */
const values: readonly (readonly [sql: string, text: string | null])[] = [
  ["null::varchar", null],
  ["''", ""],
  ["'NULL'", "NULL"],
  ["' blank '", " blank "],
  ["'a' || chr(13) || chr(10) || 'b' || chr(10) || 'c' || chr(13)", "a\r\nb\nc\r"],
  ["'say \"it\"'", 'say "it"'],
  ["'C:\\new'", "C:\\new"],
  ["'\\.'", "\\."],
  ["'\\N'", "\\N"],
  ["'a,b;c'", "a,b;c"],
  ["'#'", "#"],
  ["'Łódź 🙂'", "Łódź 🙂"],
  ["'a' || chr(0) || 'b'", "ab"],
  ["9223372036854775807::bigint", "9223372036854775807"],
  ["(-9223372036854775808)::bigint", "-9223372036854775808"],
  ["18446744073709551615::ubigint", "18446744073709551615"],
  ["12345678901234567890.123456789::decimal(38,9)", "12345678901234567890.123456789"],
  ["1.50::decimal(10,2)", "1.50"],
  ["0.1::double", "0.1"],
  ["0.1::float", "0.1"],
  ["1e300::double", "1e+300"],
  ["'nan'::double", "NaN"],
  ["'infinity'::double", "Infinity"],
  ["'-infinity'::float", "-Infinity"],
  ["true", "true"],
  ["date '2026-01-31'", "2026-01-31"],
  ["time '10:00:00.5'", "10:00:00.5"],
  ["timestamp '2026-01-31 23:59:59.123456'", "2026-01-31 23:59:59.123456"],
  ["timestamp_ns '2026-01-31 23:59:59.123456789'", "2026-01-31 23:59:59.123456789"],
  ["timestamptz '2026-02-01 06:30:00+07'", "2026-01-31 23:30:00+00"],
  ["'\\x00\\xFFa'::blob", "\\x00ff61"],
  ["'2b8e1f3c-0000-4000-8000-00000000000a'::uuid", "2b8e1f3c-0000-4000-8000-00000000000a"],
  ["[1, null, 3]", "[1,null,3]"],
  ["[]::integer[]", "[]"],
  ["null::integer[]", null],
  [
    "{'a': 'x\"y', 'b': [12345678901234567890.5::decimal(30,1)]}",
    '{"a":"x\\"y","b":[12345678901234567890.5]}',
  ],
  ["[0.5::double, 'nan'::double, 'infinity'::double]", '["0.5","nan","inf"]'],
  ["[0.5::double, 2.5::double]", "[0.5,2.5]"],
  ["{'FLOAT': 0.5::double, 'n': 'a\"\\,NaN'}", '{"FLOAT":0.5,"n":"a\\"\\\\,NaN"}'],
  ["{'FLOAT': '-infinity'::double, 'n': 1}", '{"FLOAT":"-inf","n":1}'],
  ["map {'k': timestamptz '2026-01-01 00:00:00+00'}", '{"k":"2026-01-01 00:00:00+00"}'],
];

describeOnServers("a Parquet file", (major) => {
  test("arrives value by value, with NULL and the empty text apart", async () => {
    const database = await freshDatabase({ major });
    onTestFinished(() => database.drop());
    const columns = Object.fromEntries(values.map((_, index) => [`v${index}`, {}]));
    const project = await ingestProject(
      [readings({ columns })],
      {
        "raw/shop/x.parquet": await parquet(
          `select ${values.map(([sql], index) => `${sql} as v${index}`).join(", ")}`,
        ),
      },
      database,
    );
    const result = await project.ingest();
    expect(result.files).toMatchObject([{ rows: 1, method: "parquet", rejected: 0 }]);
    const list = values.map((_, index) => `v${index}`).join(", ");
    const [row] = await project.rows(`select ${list} from bronze.shop_readings`);
    expect(row).toEqual(values.map(([, text]) => text));
    expect(await project.rows("select nul_bytes, method from aquifer.ingest_file")).toEqual([
      ["1", "parquet"],
    ]);
    const place = (sql: string): string => `v${values.findIndex(([each]) => each === sql)}`;
    expect(
      await project.rows(
        `select ${place("'\\x00\\xFFa'::blob")}::bytea = '\\x00ff61', ${place("'nan'::double")}::float8 = 'NaN' as nan from bronze.shop_readings`,
      ),
    ).toEqual([[true, true]]);
  });

  test("of one column keeps its empty rows, in their order", async () => {
    const database = await freshDatabase({ major });
    onTestFinished(() => database.drop());
    const project = await ingestProject(
      [readings({ columns: { a: {} } })],
      { "raw/shop/x.parquet": await parquet(named("values ('1'), (null), (''), ('\\.'), ('5')", "a")) },
      database,
    );
    await project.ingest();
    expect(await project.rows("select _row, a from bronze.shop_readings order by _row")).toEqual([
      ["1", "1"],
      ["2", null],
      ["3", ""],
      ["4", "\\."],
      ["5", "5"],
    ]);
  });
});

describe("the schema of a Parquet file", () => {
  test("decides between two sources of one pattern, and the explanation says so", async () => {
    const other = readings({ name: "shop/prices", columns: { price: {} } });
    const project = await ingestProject([readings(), other], {
      "raw/shop/x.parquet": await parquet(named(two)),
      "raw/shop/y.parquet": await parquet("select 5 as price"),
    });
    const { files } = await project.ingest();
    expect(files.map(({ source }) => source)).toEqual(["shop/readings", "shop/prices"]);
    expect(files[0]?.classification).toContain("Parquet schema: all 2 columns");
    expect(await project.rows("select dialect->>'types' from aquifer.ingest_file order by file_id")).toEqual([
      ['["INTEGER", "VARCHAR"]'],
      ['["INTEGER"]'],
    ]);
  });

  test("that lacks a column is refused with what it has", async () => {
    const project = await ingestProject([readings()], {
      "raw/shop/x.parquet": await parquet("select 1 as id, 2 as remark"),
    });
    const error = await failure(project.ingest());
    expect(error.code).toBe("wrong-columns");
    expect(describeError(error)).toContain('its schema lacks note; it has "id", "remark"');
  });

  test.each([
    ["evolve", "select id, note, extra from bronze.shop_readings", [["1", "a", "7"]]],
    ["discard", "select id, note from bronze.shop_readings", [["1", "a"]]],
    ["rescue", "select id, _rescued->>'extra' from bronze.shop_readings", [["1", "7"]]],
  ] as const)("with a column more follows the drift policy %s", async (drift, query, expected) => {
    const project = await ingestProject([readings({ drift })], {
      "raw/shop/x.parquet": await parquet("select 7 as extra, 1 as id, 'a' as note"),
    });
    const { files } = await project.ingest();
    expect(files[0]?.columnsAdded).toEqual(["extra"]);
    expect(await project.rows(query)).toEqual(expected);
  });

  test("with a column more fails under freeze", async () => {
    const project = await ingestProject([readings({ drift: "freeze" })], {
      "raw/shop/x.parquet": await parquet("select 7 as extra, 1 as id, 'a' as note"),
    });
    expect((await failure(project.ingest())).code).toBe("schema-drift");
  });

  test("may have names and a path that mean something elsewhere", async () => {
    const project = await ingestProject([readings({ files: "**/*.parquet", columns: { id: {} } })], {
      "raw/shop/year=2026/a[1]*'.parquet": await parquet(
        `select 1 as id, 2 as "Id ", 3 as file_row_number, 4 as "it's \\ ""x"""`,
      ),
      "raw/shop/year=2026/a1b'.parquet": await parquet("select 5 as id"),
    });
    await project.ingest();
    expect(
      await project.rows("select id, id_2, file_row_number, it_s_x from bronze.shop_readings order by id"),
    ).toEqual([
      ["1", "2", "3", "4"],
      ["5", null, null, null],
    ]);
  });
});

describe("policies", () => {
  test("a period comes from a column; a correction replaces it, and the original comes back without a copy", async () => {
    const source = readings({
      columns: { day: {}, note: {} },
      period: { grain: "month", fromColumn: { column: "day", pattern: /^(?<year>\d{4})-(?<month>\d\d)/ } },
      reload: "replace_period",
    });
    const of = (note: string): Promise<Buffer> =>
      parquet(
        named(`values (date '2026-01-31', '${note}'), (date '2026-01-02', 'x'), (null, 'y')`, "day, note"),
      );
    const project = await ingestProject([source], { "raw/shop/a.parquet": await of("first") });
    const notes = "select string_agg(note, ',' order by _row), min(_period)::text from bronze.shop_readings";
    await project.ingest();
    expect(await project.rows(notes)).toEqual([["first,x,y", "2026-01-01"]]);
    expect((await project.ingest()).files).toMatchObject([{ action: "skip" }]);
    await project.write("raw/shop/a.parquet", await of("second"));
    await project.ingest();
    expect(await project.rows(notes)).toEqual([["second,x,y", "2026-01-01"]]);
    await project.write("raw/shop/a.parquet", await of("first"));
    expect((await project.ingest()).files).toMatchObject([{ action: "restore" }]);
    expect(await project.rows(notes)).toEqual([["first,x,y", "2026-01-01"]]);
  });

  test("a row that breaks a check is a reject with its number and its values", async () => {
    const source = readings({ columns: { id: { type: "integer" }, note: {} }, maxRejected: 1 });
    const content = await parquet(named("values ('1', 'a'), ('two', null), ('3', 'c')"));
    const project = await ingestProject([source], { "raw/shop/x.parquet": content });
    const { files } = await project.ingest();
    expect(files).toMatchObject([{ rows: 2, rejected: 1 }]);
    expect(await project.rows(stored)).toEqual([
      ["1", "a"],
      ["3", "c"],
    ]);
    expect(
      await project.rows("select row_number, line, column_name, raw from aquifer.ingest_reject"),
    ).toEqual([["2", "2", "id", '{"id":"two","note":null}']]);
    const strict = await ingestProject([{ ...source, maxRejected: 0 }], { "raw/shop/x.parquet": content });
    const error = await failure(strict.ingest());
    expect(describeError(error)).toContain("row 2, id: expected an integer");
    expect(await strict.rows("select * from bronze_store.shop_readings")).toEqual([]);
  });

  test.each([
    ["header", { header: "none" }],
    ["delimiter", { delimiter: ";" }],
    ["footer", { footer: /x/ }],
  ] as const)("%s is refused: a Parquet file has no lines", (_name, option) => {
    expect(() => readings(option)).toThrow(/says nothing about a Parquet file/);
  });
});

describe("a file that is no good Parquet file", () => {
  const good = parquet(named("select i, 'note ' || i from range(20000) as r(i)"), ", compression zstd");
  const broken = async (change: (bytes: Buffer) => Buffer): Promise<Buffer> =>
    change(Buffer.from(await good));

  test.each([
    ["empty", () => Buffer.alloc(0), "empty-file", "is empty"],
    ["text", () => Buffer.from("id,note\n1,a\n"), "wrong-columns", "does not begin as a Parquet file (PAR1)"],
    ["cut off", (bytes: Buffer) => bytes.subarray(0, bytes.length - 20), "bad-parquet", "No magic bytes"],
    ["cut to its first bytes", (bytes: Buffer) => bytes.subarray(0, 6), "bad-parquet", "too small"],
    [
      "of broken pages",
      (bytes: Buffer) => bytes.fill(0x5a, 30, 3000),
      "bad-parquet",
      "x.parquet cannot be read",
    ],
    [
      "of a broken footer",
      (bytes: Buffer) => bytes.fill(0xff, bytes.length - 60, bytes.length - 8),
      "bad-parquet",
      "x.parquet cannot be read",
    ],
  ] as const)("%s: the error says so and nothing is changed", async (_name, change, code, words) => {
    const project = await ingestProject([readings()], { "raw/shop/x.parquet": await parquet(named(two)) });
    await project.ingest();
    await project.write("raw/shop/x.parquet", await broken(change));
    const error = await failure(project.ingest());
    expect(error.code).toBe(code);
    expect(describeError(error)).toContain(words);
    expect(await project.rows(stored)).toEqual([
      ["1", "a"],
      ["2", "b"],
    ]);
    expect(await pipes()).toEqual([]);
  });

  test("Parquet under another name is named as such", async () => {
    const csv = readings({ name: "shop/csv", format: "delimited", files: "*.csv" });
    const project = await ingestProject([readings(), csv], {
      "raw/shop/x.csv": await parquet(named(two)),
    });
    const error = await failure(project.ingest());
    expect(describeError(error)).toContain("it is a Parquet file, not delimited");
    expect(describeError(error)).toContain("its columns are those of shop/readings");
  });

  test("inside gzip is refused with the way out", async () => {
    const project = await ingestProject([readings()], {
      "raw/shop/x.parquet.gz": gzipSync(await parquet(named(two))),
    });
    const error = await failure(project.ingest());
    expect(error.code).toBe("packed-parquet");
    expect(describeError(error)).toContain("Unpack it");
  });

  test("no rows are no error", async () => {
    const project = await ingestProject([readings()], {
      "raw/shop/x.parquet": await parquet(`${named(two)} where id > 5`),
    });
    expect((await project.ingest()).files).toMatchObject([{ rows: 0, action: "load" }]);
    expect(await project.rows(stored)).toEqual([]);
    expect(await pipes()).toEqual([]);
  });
});

describe("a large file", () => {
  const rows = 400_000;
  const big = parquet(
    `select i as id, 'some text to make the line longer ' || i as note from range(${rows}) as r(i)`,
    ", row_group_size 50000",
  );
  const whole =
    "select count(*), count(distinct id) as ids, bool_and(_row = id::bigint + 1) from bronze.shop_readings";
  const all = [[String(rows), String(rows), true]];

  async function bigProject(): Promise<IngestProject> {
    return ingestProject([readings()], {
      "dataform.json": '{ "warehouse": "postgres" }',
      "ingest/shop.ts": `import { defineSource } from "aquifer";
export const readings = defineSource({ name: "shop/readings", files: "*.parquet", format: "parquet", columns: { id: {}, note: {} } });`,
      "raw/shop/x.parquet": await big,
    });
  }

  test("keeps the order of its row groups", async () => {
    const project = await bigProject();
    await project.ingest();
    expect(await project.rows(whole)).toEqual(all);
    expect(await pipes()).toEqual([]);
  });

  test("goes through a file where there are no named pipes", async () => {
    const project = await bigProject();
    const [file] = await discoverFiles(project.root, "raw/shop");
    if (!file) throw new Error("no file");
    const inspected = await inspectFile([readings()], file, {
      period: undefined,
      scratch: new ScratchFile(),
      onBytes: () => undefined,
    });
    const { signal } = new AbortController();
    const text = async (): Promise<string> => {
      const chunks: Buffer[] = [];
      for await (const chunk of copyParquet(inspected, "7", signal, () => undefined)) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    };
    const path = process.env["PATH"] ?? "";
    vi.stubEnv("PATH", "");
    const byFile = await text();
    vi.stubEnv("PATH", path);
    expect(byFile.startsWith("7,1,0,some text to make the line longer 0\n7,2,1,")).toBe(true);
    expect(await text()).toBe(byFile);
    expect(await pipes()).toEqual([]);
  });

  test.each(["abort", "lost connection"] as const)("%s in the middle leaves nothing", async (way) => {
    const project = await bigProject();
    const controller = new AbortController();
    let stopped = false;
    const error: unknown = await project
      .ingest({
        signal: controller.signal,
        onEvent: (event) => {
          if (event.kind !== "progress" || event.phase !== "loading" || stopped) return;
          stopped = true;
          if (way === "abort") controller.abort();
          else {
            void project.database.warehouse.query(
              "select pg_terminate_backend(pid) from pg_stat_progress_copy where datname = current_database()",
            );
          }
        },
      })
      .catch((thrown: unknown) => thrown);
    expect(stopped).toBe(true);
    expect(String(error)).toMatch(way === "abort" ? /Interrupted/ : /terminat|connection|ECONNRESET|EPIPE/i);
    expect(await pipes()).toEqual([]);
    expect(await project.rows("select count(*) from bronze_store.shop_readings")).toEqual([["0"]]);
    await project.ingest();
    expect(await project.rows(whole)).toEqual(all);
  });

  test.each(["SIGKILL", "SIGTERM"] as const)("%s in the middle leaves nothing to see", async (signal) => {
    const project = await bigProject();
    const bin = fileURLToPath(new URL("../../bin/dataform.js", import.meta.url));
    const child = spawn(process.execPath, [bin, "ingest"], {
      cwd: project.root,
      env: { ...process.env, DATABASE_URL: project.database.url },
      stdio: "ignore",
    });
    const exit = once(child, "exit");
    let copying = "0";
    while (copying === "0" && child.exitCode === null) {
      const [[count] = []] = await project.rows(
        "select count(*) from pg_stat_progress_copy where datname = current_database() and tuples_processed > 1000",
      );
      copying = String(count);
      await sleep(2);
    }
    expect(copying).toBe("1");
    child.kill(signal);
    await exit;
    expect(await project.rows("select count(*) from bronze.shop_readings")).toEqual([["0"]]);
    expect(await pipes()).toEqual([]);
    await project.ingest();
    expect(await project.rows(whole)).toEqual(all);
    expect(await project.rows("select count(*) from bronze_store.shop_readings")).toEqual([[String(rows)]]);
  });
});
