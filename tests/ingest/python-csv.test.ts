import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, type TestContext } from "vitest";
import { telco } from "../../ingest/samples/telco.js";
import { utility } from "../../ingest/samples/utility.js";
import { defineSource } from "../../src/project/source.js";
import { skipUnless } from "../support/skip.js";
import { ingestProject } from "./support.js";

/** Runs a script of Python with an argument; what it prints is JSON. */
function python(context: TestContext, script: string, argument: string): unknown {
  const found = spawnSync("python3", ["-c", script, argument], { encoding: "utf8", maxBuffer: 1 << 28 });
  skipUnless(context, found.error === undefined, "python3 is not installed");
  if (found.status !== 0) throw new Error(`python3 failed:\n${found.stderr}`);
  return JSON.parse(found.stdout);
}

/** Reads files with the csv module: for each of `[path, delimiter, encoding]` its rows, the header first. */
const reader = `
import csv, json, sys
files = json.loads(sys.argv[1])
def rows(path, delimiter, encoding):
    with open(path, newline="", encoding=encoding) as file:
        return [row for row in csv.reader(file, delimiter=delimiter) if row]
print(json.dumps([rows(*each) for each in files]))
`;

/** Writes 40 files with the csv module in every dialect that one can be told of, and prints what stands in them. */
const writer = `
import csv, itertools, json, os, random, sys
folder = sys.argv[1]
random.seed(7)
words = ["", "a", "5\\" pipa", "\\"quoted\\"", "x,y", "p|q", "s;t", "tab\\there", "two\\nlines", "three\\r\\nlines\\r\\n", "  blanks ", "é – ü", "水道", "\\\\.", "\\\\N", "null", "'", "\\"", "a\\"\\"b", "=1+1"]
dialects = itertools.product([",", ";", "|", "\\t"], [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC], ["\\n", "\\r\\n"], ["utf-8", "utf-8-sig", "utf-16"])
written = []
for number, (delimiter, quoting, end, encoding) in enumerate(random.sample(list(dialects), 40)):
    rows = [[f"{number}-{row}"] + [random.choice(words) + random.choice(words) for _ in range(3)] for row in range(30)]
    path = os.path.join(folder, f"file_{number:02}.csv")
    with open(path, "w", newline="", encoding=encoding) as file:
        out = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end)
        out.writerow(["id", "note", "text", "more"])
        out.writerows(rows)
    written.append(rows)
print(json.dumps(written))
`;

test("files that Python's csv module wrote in every dialect arrive as it wrote them", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "aquifer-python-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const written = python(context, writer, folder) as string[][][];
  const names = written.map((_, index) => `file_${String(index).padStart(2, "0")}.csv`);
  const source = defineSource({
    name: "shop/note",
    files: "*.csv",
    columns: { id: { required: true, unique: true }, note: {}, text: {}, more: {} },
  });
  const project = await ingestProject(
    [source],
    Object.fromEntries(names.map((name) => [`raw/shop/${name}`, readFileSync(join(folder, name))])),
  );
  const { files } = await project.ingest();
  expect(files.map(({ rejected }) => rejected)).toEqual(names.map(() => 0));
  for (const [index, name] of names.entries()) {
    const loaded = await project.rows(
      `select id, coalesce(note, '') as note, coalesce(text, '') as text, coalesce(more, '') as more
       from bronze.shop_note where _file_name = 'shop/${name}' order by _row`,
    );
    expect(loaded, name).toEqual(written[index]);
  }
});

const text = (content: Iterable<string | Uint8Array>): Buffer =>
  Buffer.concat([...content].map((piece) => Buffer.from(piece)));
const real = [
  "bank/bank-marketing-dataset.csv",
  "water/austin_water_consumption.csv",
  "water/perumda_monthly_revenue.csv",
].map((path) => join("../shared/data", path));

test("files of the samples and of the real world arrive as Python's csv module reads them", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "aquifer-python-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const wanted: [name: string, bytes: Buffer, delimiter: string, encoding: string][] = [];
  for (const { path, content } of telco.files({ customers: 400, months: 1, seed: 2 }))
    if (/_20260103|correction/.test(path)) wanted.push([path, text(content), ",", "utf-8-sig"]);
  for (const item of utility.files({ customers: 200, months: 2, seed: 2 })) {
    if (!("content" in item)) continue;
    const encoding = item.path.includes("customers_2026-02") ? "latin-1" : "utf-8-sig";
    if (/(?:customers|billing)_/.test(item.path))
      wanted.push([
        item.path.replace("/", "_"),
        text(item.content),
        item.path.startsWith("billing") ? ";" : ",",
        encoding,
      ]);
  }
  for (const path of real.filter((each) => existsSync(each)))
    wanted.push([path.replaceAll(/\W/g, "_"), readFileSync(path), ",", "utf-8"]);
  for (const [name, bytes] of wanted) writeFileSync(join(folder, name), bytes);
  const read = python(
    context,
    reader,
    JSON.stringify(wanted.map(([name, , delimiter, encoding]) => [join(folder, name), delimiter, encoding])),
  ) as string[][][];
  for (const [index, [name, bytes]] of wanted.entries()) {
    const [header = [], ...rows] = read[index] ?? [];
    const columns = header.map((cell) => cell.toLowerCase().replaceAll(" ", "_"));
    const source = defineSource({
      name: `shop/t${index}`,
      files: name,
      maxRejected: "5%",
      columns: Object.fromEntries(columns.map((column) => [column, {}])),
    });
    const project = await ingestProject([source], { [`raw/shop/${name}`]: bytes });
    await project.ingest();
    const values = columns.map((column) => `coalesce("${column}", '') as "${column}"`).join(", ");
    const loaded = await project.rows(`select ${values} from bronze.shop_t${index} order by _row`);
    const whole = rows.filter((row) => row.length === header.length);
    expect(loaded.length, name).toBe(whole.length);
    expect(loaded, name).toEqual(whole);
  }
});
