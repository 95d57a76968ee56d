import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshDatabase, type TestDatabase } from "../support/database.js";
import { jsonCorpus } from "./corpus-json.js";
import { spreadsheetCorpus } from "./corpus-spreadsheet.js";
import { runEntry } from "./run-corpus.js";

const entries = [...spreadsheetCorpus, ...jsonCorpus];

test("no two entries cover the same sentence", () => {
  expect(new Set(entries.map(({ sentence }) => sentence)).size).toBe(entries.length);
});

describe.each([
  ["spreadsheets", spreadsheetCorpus],
  ["JSON documents", jsonCorpus],
] as const)("hostile %s", (_form, corpus) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.drop());

  test.each(corpus.map((entry, index) => [entry.sentence, entry, `shop/x${index}`] as const))(
    "%s",
    (_sentence, entry, name) => runEntry(entry, name, database),
  );
});
