import { expect, test } from "vitest";
import type { Action } from "../../src/project/action.js";
import { ActionSession } from "../../src/run/action-session.js";
import { userStatement } from "../../src/statements/statement.js";
import type { Queryable } from "../../src/warehouse/warehouse.js";

/** What reaches the server, a round trip each; only what is sent matters here. */
function recording(): { readonly session: ActionSession; readonly trips: string[] } {
  const trips: string[] = [];
  const connection: Queryable = {
    query: (text) => {
      trips.push(text);
      return Promise.resolve({ rows: [], rowCount: 0 });
    },
    sequence: (steps) => {
      trips.push(steps.map(({ text }) => text).join(";\n"));
      return Promise.resolve(steps.map(({ text }) => ({ rows: [{ text }], rowCount: 1 })));
    },
  };
  const action = { key: "silver.t", file: "t.sqlx" } as Action;
  return { session: new ActionSession(connection, action, "r1", undefined), trips };
}

const comment = "/* aquifer: run r1 action silver.t */ ";

test("what is deferred goes along with the next statement, once", async () => {
  const { session, trips } = recording();
  session.defer("begin", "set local a = b");
  await session.query("select 1");
  await session.plain.query("select 2");
  session.defer("set local c = d");
  await session.plain.query("select 3");
  expect(trips).toEqual([
    `${comment}begin;\nset local a = b;\nselect 1`,
    "select 2",
    "set local c = d;\nselect 3",
  ]);
});

test("a sequence answers for its own steps only", async () => {
  const { session, trips } = recording();
  session.defer("begin");
  const answers = await session.sequence([{ text: "select 1" }, { text: "select 2" }]);
  expect(answers.map(({ rows }) => rows)).toEqual([[{ text: "select 1" }], [{ text: "select 2" }]]);
  expect(trips).toEqual([`${comment}begin;\nselect 1;\nselect 2`]);
});

test("a savepoint is there before text of the user's, which may have a fault of syntax", async () => {
  const { session, trips } = recording();
  session.defer("savepoint a");
  await session.send(userStatement("selct"));
  session.defer("rollback to savepoint a");
  await session.send(userStatement("select 1"));
  expect(trips).toEqual([
    `${comment}savepoint a`,
    `${comment}selct`,
    `${comment}rollback to savepoint a;\nselect 1`,
  ]);
});

test("what takes parameters goes alone: the protocol allows one statement with them", async () => {
  const { session, trips } = recording();
  session.defer("begin");
  await session.query("select $1", [1]);
  session.defer("set local a = b");
  await session.plain.query("select $1", [1]);
  expect(trips).toEqual([`${comment}begin`, `${comment}select $1`, `${comment}set local a = b`, "select $1"]);
});
