import { Readable } from "node:stream";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { FollowedText } from "../../src/ingest/followed-text.js";
import { RecordInspection, type Verbatim } from "../../src/ingest/inspect-records.js";
import { recordFields } from "../../src/ingest/record-fields.js";
import { RecordScanner } from "../../src/ingest/record-scanner.js";
import type { TextShape } from "../../src/ingest/recognize-text.js";
import { defineSource } from "../../src/project/source.js";
import { copyIn } from "../../src/warehouse/copy.js";
import type { Copying, Queryable } from "../../src/warehouse/warehouse.js";
import { freshDatabase } from "../support/database.js";

const rules = defineSource({ name: "shop/x", files: "*", columns: { a: {}, b: {} } });
const shape: TextShape = {
  format: "delimited",
  delimiter: 44,
  crOnly: false,
  headerLine: 1,
  header: { columns: ["a", "b"], cells: [], found: [], missing: [], added: [] },
};

/** Follows a text that comes in these pieces: its records, cut where others begin; undefined where it gives up. */
async function follow(
  pieces: readonly Buffer[],
): Promise<{ parts: Buffer[]; counts: number[]; rows: number; verbatim: Verbatim } | undefined> {
  const text = Buffer.concat(pieces);
  const followed = new FollowedText(text.length, shape, 0, rules);
  const isRegular = pieces.every((piece) => followed.push(piece));
  followed.ranges.end(isRegular);
  const began = await followed.ranges.began;
  if (!isRegular || !began) return undefined;
  expect(followed.length).toBe(text.length - began.from);
  const { checkpoints } = followed.findings;
  const starts = [{ offset: began.from, rows: 0 }, ...checkpoints];
  return {
    parts: starts.map(({ offset }, index) => text.subarray(offset, starts[index + 1]?.offset)),
    ...{ rows: followed.rows, verbatim: began },
    counts: checkpoints.map(({ rows }, index) => rows - (starts[index]?.rows ?? 0)),
  };
}

const table = "create temp table t (row int generated always as identity, part int, a text, b text)";

/** What `copy` makes of each part; undefined where it refuses one. */
async function copied(
  session: Queryable & Copying,
  parts: readonly Buffer[],
): Promise<(string | null)[][][] | undefined> {
  await session.query("truncate t");
  for (const [number, part] of parts.entries()) {
    await session.query(`alter table t alter part set default ${number}`);
    try {
      await copyIn(
        session,
        "copy t (a, b) from stdin (format text, null '', delimiter ',', encoding 'UTF8')",
        Readable.from([part]),
      );
    } catch {
      return undefined;
    }
  }
  const { rows } = await session.query<{ part: number; a: string | null; b: string | null }>(
    "select part, a, b from t order by part, row",
  );
  return parts.map((_, number) => rows.filter(({ part }) => part === number).map(({ a, b }) => [a, b]));
}

/** The rows that our own grammar finds. */
function expectedRows(text: Buffer): (string | null)[][] {
  const rows: (string | null)[][] = [];
  const scanner = new RecordScanner(shape, (buffer, start, end) => {
    rows.push(recordFields(buffer.subarray(start, end), 44).map((field) => field?.toString() ?? null));
  });
  scanner.push(text);
  scanner.end();
  return rows.slice(1);
}

const field = fc.constantFrom("", "a", "é", "1", " ", "x y");
const odd = fc.constantFrom(",", "\n", "\r", "\r\n", "\0", '"', "\\", "\\.", "\\n", "a", "\ufeff", "\u2028");
const lineEnds = fc.constantFrom("\n", "\r\n");
const texts = fc
  .record({
    end: lineEnds,
    laterEnd: fc.option(lineEnds, { freq: 8, nil: undefined }),
    lines: fc.array(fc.tuple(field, field), { minLength: 4, maxLength: 40 }),
    oddities: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      fc.array(fc.tuple(odd, fc.nat()), { maxLength: 2 }),
    ),
    isEnded: fc.boolean(),
    invalid: fc.constantFrom(...Array<boolean>(9).fill(false), true),
    pieces: fc.array(fc.integer({ min: 30, max: 90 }), { maxLength: 3 }),
  })
  .map(({ end, laterEnd, lines, oddities, isEnded, invalid, pieces }) => {
    const cut = Math.floor(lines.length / 2);
    let body = lines.map((line, index) => line.join(",") + (index < cut ? end : (laterEnd ?? end))).join("");
    if (!isEnded) body = body.trimEnd();
    for (const [what, where] of oddities) {
      const at = where % (body.length + 1);
      body = body.slice(0, at) + what + body.slice(at);
    }
    const bytes = Buffer.from(`a,b${end}1,2${end}${body}`);
    if (invalid) bytes[bytes.length - 1] = 0xff;
    const cuts = pieces.reduce<number[]>((ends, size) => [...ends, (ends.at(-1) ?? 8) + size], []);
    return [0, ...cuts]
      .map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length))
      .filter(({ length }) => length > 0);
  });

test("what a copy takes of a text that was followed to its end are the records that we would find, for any text", async () => {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  let proven = 0;
  await database.warehouse.withSession(async (session) => {
    await session.query(
      "create temp table t (row int generated always as identity, part int, a text, b text)",
    );
    await fc.assert(
      fc.asyncProperty(texts, async (pieces) => {
        const followed = await follow(pieces);
        const taken = followed && (await copied(session, followed.parts));
        if (!followed || taken?.flat().length !== followed.rows) return;
        proven++;
        expect(taken.flat()).toEqual(expectedRows(Buffer.concat(pieces)));
        expect(taken.slice(0, -1).map(({ length }) => length)).toEqual(followed.counts);
        const inspection = new RecordInspection(shape, rules, 0);
        inspection.push(Buffer.concat(pieces));
        expect(inspection.end()).toMatchObject({
          ...{ rows: taken.flat().length, rejected: 0, nulBytes: 0, verbatim: followed.verbatim },
        });
      }),
      { numRuns: 1000 },
    );
  });
  expect(proven).toBeGreaterThan(200);
});

test.each<[what: string, pieces: readonly string[]]>([
  ["a quote in a record that goes on in the next piece", ['a,b\n1,2\n"3",', "4\n6,7\n"]],
  ["a backslash in a record that goes on in the next piece", ["a,b\n1,2\n3,\\", "N\n6,7\n"]],
  ["a quote in a later piece", ["a,b\n1,2\n", '3,"4"\n']],
  ["line ends that change between two pieces", ["a,b\r\n1,2\r\n", "3,4\n5,6\n"]],
  ["a quote in the first piece", ['a,b\n1,"2"\n']],
])("a text is not left to a copy with %s", async (_, pieces) => {
  expect(await follow(pieces.map((piece) => Buffer.from(piece)))).toBeUndefined();
});

test("a record that is too long is not left to a copy", async () => {
  const piece = Buffer.alloc(6 * 1024 * 1024, "x");
  expect(await follow([Buffer.from("a,b\n1,2\n"), piece, piece])).toBeDefined();
  expect(await follow([Buffer.from("a,b\n1,2\n"), piece, piece, piece])).toBeUndefined();
});

test("a lone return at the end, which a copy takes for a line's end, shows in the number of rows", async () => {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  await database.warehouse.withSession(async (session) => {
    await session.query(table);
    for (const end of ["\n", "\r\n"]) {
      const followed = await follow([`a,b${end}1,2${end}`, "x,y\rz,w"].map((piece) => Buffer.from(piece)));
      expect(followed?.rows).toBe(2);
      expect((await copied(session, followed?.parts ?? []))?.flat()).toHaveLength(3);
    }
  });
});
