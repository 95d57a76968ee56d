import { afterAll, beforeAll, expect, test } from "vitest";
import { describeOnServers } from "../support/servers.js";
import { freshDatabase, type TestDatabase } from "../support/database.js";
import { corpus } from "./corpus.js";
import { runEntry } from "./run-corpus.js";

test("no two entries cover the same sentence", () => {
  expect(new Set(corpus.map(({ sentence }) => sentence)).size).toBe(corpus.length);
});

describeOnServers("hostile files", (major) => {
  // One database for all: a hundred would take longer than the loads. Each entry has a table of its own.
  let database: TestDatabase;
  beforeAll(async () => {
    database = await freshDatabase({ major });
  });
  afterAll(() => database.drop());

  test.each(corpus.map((entry, index) => [entry.sentence, entry, `shop/x${index}`] as const))(
    "%s",
    (_sentence, entry, name) => runEntry(entry, name, database),
  );
});
