import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { isOtherForm } from "../../src/ingest/check-values.js";
import { freshDatabase } from "../support/database.js";

/** Texts that look like a date: PostgreSQL takes many of them that are not ISO 8601. */
const pieces = [
  "2026",
  "1 26",
  "1/26",
  "12",
  "01",
  "1 ",
  " 1",
  "1z",
  "-1",
  "pm",
  "bc",
  "é",
  "٣",
  "Z",
  "+07",
  "",
];
const marks = fc.constantFrom("-", "-", "-", "/", " ", "T", ":", ".");
const dateLike = fc
  .array(fc.tuple(fc.constantFrom(...pieces), marks), { minLength: 3, maxLength: 7 })
  .map((parts) => parts.map(([piece, mark]) => piece + mark).join(""))
  .chain((text) => fc.constantFrom(text, text.slice(0, -1)));
const digits = (count: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom("0", "1", "2", "3", "9"), minLength: count, maxLength: count });
const iso = fc
  .tuple(digits(4), digits(2), digits(2), fc.constantFrom(" ", "T"), digits(2), digits(2), digits(2))
  .map(([year, month, day, mark, hour, minute, second]) => [year, month, day, mark, hour, minute, second])
  .chain(([year, month, day, mark, ...time]) =>
    fc.constantFrom(
      `${year}-${month}-${day}`,
      ...["", "Z", "+07", ".5"].map((end) => `${year}-${month}-${day}${mark}${time.join(":")}${end}`),
    ),
  );
/** One character more, less or other than what fits. */
const nearly = fc
  .tuple(iso, fc.nat(24), fc.constantFrom("", "x", " ", "1", ":"), fc.nat(1))
  .map(([text, at, piece, cut]) => text.slice(0, at) + piece + text.slice(at + cut));

const expected = {
  date: /^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*$/,
  timestamp:
    /^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?\s*$/,
};

test("a text counts as an ISO date or time stamp exactly when it has that form, whatever PostgreSQL would take", async () => {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(dateLike, iso, nearly), { minLength: 100, maxLength: 400 }),
      async (texts) => {
        const { rows } = await database.warehouse.query<{ date: boolean; timestamp: boolean }>(
          `select not ${isOtherForm("value", "date")} as date, not ${isOtherForm("value", "timestamp")} as timestamp
           from unnest($1::text[]) with ordinality as given (value, place) order by place`,
          [texts],
        );
        const found = rows.map(({ date, timestamp }, index) => [texts[index], date, timestamp]);
        expect(found).toEqual(
          texts.map((text) => [text, expected.date.test(text), expected.timestamp.test(text)]),
        );
      },
    ),
    { numRuns: 60 },
  );
});
