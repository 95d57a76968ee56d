import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { RawFile } from "../../src/ingest/discover-files.js";
import { inspectPlain } from "../../src/ingest/inspect-plain.js";
import { inspectText } from "../../src/ingest/inspect-text.js";
import { recognizeText } from "../../src/ingest/recognize-text.js";
import { encodingOfStart } from "../../src/ingest/text-encoding.js";
import { defineSource } from "../../src/project/source.js";
import { temporaryFolder } from "../support/project-folder.js";

const source = defineSource({
  name: "shop/x",
  files: "*.csv",
  columns: {
    id: { required: true, type: "integer", unique: true },
    city: { domain: ["Bandung", "Kediri"] },
    note: {},
  },
});

/** About 40 MB: enough for two threads. */
const rows = 1_500_000;
const middle = 800_000;
const last = rows - 1;

interface Shaped {
  readonly end?: string;
  readonly bom?: boolean;
  readonly tail?: string;
  /** Lines in place of those of a row. */
  readonly at?: Readonly<Record<number, string | Buffer>>;
}

function fileOf({ end = "\n", bom = false, tail = end, at = {} }: Shaped): RawFile {
  const parts: (string | Buffer)[] = [bom ? "\ufeff" : "", `id,city,note${end}`];
  let text = "";
  for (let row = 0; row < rows; row++) {
    const own = at[row];
    if (own !== undefined) {
      parts.push(text, own, end);
      text = "";
    } else
      text += `${1000 + row},${row % 3 === 0 ? "Kediri" : "Bandung"},no. ${row % 977} é${row === last ? "" : end}`;
  }
  const path = join(temporaryFolder(), "x.csv");
  writeFileSync(path, Buffer.concat([...parts, text, tail].map((part) => Buffer.from(part))));
  const { size, mtime } = statSync(path);
  return {
    ...{ folder: "raw/shop", path: "x.csv", matchPath: "x.csv", packing: undefined, fullPath: path },
    ...{ bytes: size, bytesOnDisk: size, modifiedAt: mtime },
  };
}

async function both(
  file: RawFile,
): Promise<[Awaited<ReturnType<typeof inspectPlain>>, Awaited<ReturnType<typeof inspectText>>]> {
  const head = readFileSync(file.fullPath).subarray(0, 65_536);
  const start = encodingOfStart(head);
  const found = recognizeText(source, head.subarray(start.skip), false);
  if (!found.fits) throw new Error(found.explanation);
  const plain = await inspectPlain(file, found.shape, start, source, () => undefined);
  return [plain, await inspectText(file, found.shape, start, source, () => undefined)];
}

it.each<[string, Shaped]>([
  ["lines", {}],
  ["lines that end with CRLF", { end: "\r\n" }],
  ["a byte order mark, and no end of the last line", { bom: true, tail: "" }],
  ["a value in the later part that needs the server", { at: { [last - 5]: "5x,Bandung,late" } }],
  [
    "an id in the later part that stands before the last of the first",
    { at: { [middle]: "17,Bandung,back" } },
  ],
  ["a blank line in the later part", { at: { [middle + 9]: "801009,Bandung,a\n" } }],
  ["another line end and a backslash in the later part", { at: { [last - 9]: "1501990,Kediri,a\\b\r" } }],
])("two threads tell what one tells of %s", async (_, shaped) => {
  const [plain, whole] = await both(fileOf(shaped));
  const placed = ({ checkpoints, ...rest }: typeof whole): unknown => ({
    ...rest,
    many: checkpoints.length > 9,
  });
  expect(plain && placed(plain)).toEqual(placed(whole));
  // Where a thread stops reading is its own matter; what it says of the place is not.
  const known = new Map(whole.checkpoints.map((each) => [each.offset, each]));
  const shared = plain?.checkpoints.filter(({ offset }) => known.has(offset)) ?? [];
  expect(shared.length).toBeGreaterThan(9);
  for (const each of shared) expect(each).toEqual(known.get(each.offset));
  const later = plain?.checkpoints.at(-1);
  expect(later).toEqual(whole.checkpoints.at(-1));
});

it.each<[string, Shaped]>([
  ["a quote", { at: { [last]: '1500999,Kediri,"a' } }],
  ["a field too many", { at: { [last]: "1500999,Kediri,a,b" } }],
  ["a NUL", { at: { [last]: "1500999,Kediri,a\0b" } }],
  ["a byte that is not UTF-8", { at: { [last]: Buffer.from("1500999,Kediri,a\xe9b", "latin1") } }],
  ["a line end within a record", { at: { [last]: "1500999,Kediri,a\rb" } }],
])("%s at the end of the later part leaves the file to one thread", async (_, shaped) => {
  expect((await both(fileOf(shaped)))[0]).toBeUndefined();
});
