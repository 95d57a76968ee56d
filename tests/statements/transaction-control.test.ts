import { expect, test } from "vitest";
import { transactionControl } from "../../src/statements/transaction-control.js";

test.each([
  ["commit", "commit", 0],
  ["delete from a; commit", "commit", 15],
  ["/* 😀; */ select 1;\n-- rollback\nRollback Work;", "rollback", 32],
  ["rollback and chain", "rollback", 0],
  ["start transaction read only", "start", 0],
  ["begin; select 1", "begin", 0],
  ["select case when true then 1 end; end", "end", 34],
  ["abort", "abort", 0],
  ["prepare transaction 'x'", "prepare", 0],
])("%s ends a transaction", (sql, word, offset) => {
  expect(transactionControl(sql)).toEqual({ word, offset });
});

test.each([
  "select 'commit; ' as x",
  'select 1 as "commit"; select 2 as begin',
  "savepoint a; rollback to a; rollback work to savepoint a; release a",
  "prepare q as select 1",
  "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
  "do $$ begin perform 1; end $$",
  "select $x$; commit; $x$",
])("%s does not", (sql) => {
  expect(transactionControl(sql)).toBeUndefined();
});
