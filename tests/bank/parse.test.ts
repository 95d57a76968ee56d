import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { freshDatabase } from "../support/database.js";
import { describeOnServers, type ServerMajor } from "../support/servers.js";
import { bankProject, includeOf } from "./support.js";

type Parse = Record<"date" | "timestamp" | "wholeNumber", (sql: string) => string>;

/** What is not a value becomes NULL, never an error: one query over many texts, good and bad. */
async function read(
  major: ServerMajor,
  kind: keyof Parse,
  texts: readonly string[],
): Promise<(string | null)[]> {
  const parse = includeOf(bankProject(), "parse") as Parse;
  const database = await freshDatabase({ major });
  onTestFinished(() => database.drop());
  const { rows } = await database.warehouse.query<{ value: string | null }>(
    `select (${parse[kind]("text")})::text as value from unnest($1::text[]) with ordinality as input (text, at) order by at`,
    [texts],
  );
  return rows.map(({ value }) => value);
}

const digits = (length: number): fc.Arbitrary<string> =>
  fc.integer({ min: 0, max: 10 ** length - 1 }).map((number) => String(number).padStart(length, "0"));
const dayLike = fc
  .tuple(fc.integer({ min: 0, max: 33 }), fc.integer({ min: 0, max: 14 }), digits(4))
  .map(([day, month, year]) => `${String(day).padStart(2, "0")}/${String(month).padStart(2, "0")}/${year}`);

/** JavaScript's own calendar, which rolls an impossible day over into the next month. */
function isoDate(text: string): string | null {
  const [day = 0, month = 0, year = 0] = text.split("/").map(Number);
  if (year === 0) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const same = date.getUTCDate() === day && date.getUTCMonth() === month - 1;
  return same ? date.toISOString().slice(0, 10) : null;
}

describeOnServers("includes/parse.js", (major) => {
  it("parse.date agrees with the calendar for every day, month and year", async () => {
    const texts = fc.sample(dayLike, 3000);
    const leapDays = ["29/02/2000", "29/02/1900", "29/02/2024", "29/02/2023", "31/12/9999", "01/01/0001"];
    const all = [...texts, ...leapDays];
    expect(await read(major, "date", all)).toEqual(all.map(isoDate));
  });

  it("parse.date, parse.timestamp and parse.wholeNumber never fail, whatever the text", async () => {
    const texts = fc.sample(
      fc.oneof(
        fc.string().map((text) => text.replaceAll("\0", "")),
        fc.string({ unit: fc.constantFrom(...Array.from("0123456789/: -")) }),
        fc
          .tuple(dayLike, digits(2), digits(2), digits(2))
          .map(([day, ...time]) => `${day} ${time.join(":")}`),
      ),
      2000,
    );
    const dates = await read(major, "date", texts);
    expect(dates.filter((value) => value !== null)).not.toContain("");
    expect(await read(major, "wholeNumber", texts)).toEqual(
      texts.map((text) =>
        /^-?\d{1,9}$/.test(trimmed(text)) ? String(Number(trimmed(text))).replace(/^-0$/, "0") : null,
      ),
    );
    expect(await read(major, "timestamp", texts)).toEqual(
      texts.map((text) => {
        const match = /^([\d/]+) ([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)$/.exec(trimmed(text));
        const [, day = "", hour = "", minute = "", second = ""] = match ?? [];
        if (!/^\d{1,2}\/\d{1,2}\/\d{4}$/.test(day)) return null;
        const date = isoDate(day);
        return date && `${date} ${hour.padStart(2, "0")}:${minute}:${second}`;
      }),
    );
  });
});

/** `btrim` takes blanks only. */
function trimmed(text: string): string {
  return text.replace(/^ +| +$/g, "");
}
