import { AquiferError } from "../base/errors.js";
import { parseDuration } from "../base/duration.js";
import type { RelationName } from "../base/identifiers.js";
import type { SourceOptions } from "./source.js";
import type { Failure } from "./source-failure.js";

/** Another PostgreSQL as the source of rows, in place of files. */
export interface DatabaseOptions {
  /**
   * Name of the operational database, in lower snake case. Its URL is the value of an environment variable:
   * `<NAME>_DATABASE_URL`, unless `connections` in `aquifer.config.ts` names another one.
   */
  readonly connection: string;
  /** A table, view or foreign table: `schema.table`; as an object where a name holds a dot. */
  readonly relation: string | RelationName;
  /**
   * Take what is new by a column that grows. Without it, and without a `period`, everything is taken each time.
   *
   * Rows whose cursor lies within the lag before the highest one are taken again each time, in place of what was taken of
   * them before; older ones never. So rows that share a value, or come late within the lag, are there exactly once.
   */
  readonly cursor?: DatabaseCursor;
}

export interface DatabaseCursor {
  /** A column of a time, date or number type. */
  readonly column: string;
  /** How late a row may come: a duration such as `"2h"`, or a number where the cursor is one. Default: nothing. */
  readonly lag?: string | number;
}

/** Where the rows of a source come from, when that is a database. */
export interface DatabaseOrigin {
  readonly connection: string;
  readonly relation: RelationName;
  readonly cursor: DatabaseCursor | undefined;
}

/** Databases that the embedded server has already, so that no connection may be named like one. */
const takenNames = ["warehouse", "postgres", "template0", "template1"];

/** The environment variable that holds the URL of a connection which the project does not declare. */
export function defaultUrlVariable(connection: string): string {
  return `${connection.toUpperCase()}_DATABASE_URL`;
}

/** What is wrong with the name of a connection; undefined when nothing is. */
export function connectionNameProblem(name: unknown): string | undefined {
  if (typeof name !== "string" || !/^[a-z][a-z0-9_]*$/.test(name))
    return `${JSON.stringify(name)} is not the name of a connection; use lower snake case`;
  return takenNames.includes(name) ? `a connection cannot be named "${name}"` : undefined;
}

/** Checks the options of a source that reads a database, with the defaults filled in. */
export function databaseOrigin(
  options: SourceOptions,
  database: DatabaseOptions,
  fail: Failure,
): DatabaseOrigin {
  const known = ["connection", "relation", "cursor"];
  const unknown = Object.keys(database).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw fail(`unknown option of database "${unknown}"`, `Known: ${known.join(", ")}.`);
  for (const key of ["files", "format", "header", "delimiter", "footer"] as const) {
    if (options[key] !== undefined) throw fail(`${key} says nothing about a database`, "Leave it out.");
  }
  const problem = connectionNameProblem(database.connection);
  if (problem !== undefined) throw fail(problem);
  const { cursor } = database;
  if (cursor !== undefined) {
    if (options.period !== undefined)
      throw fail(
        "has a cursor and a period",
        "Extract by one of them: a period is replaced whole, a cursor goes on.",
      );
    if (typeof cursor.column !== "string" || cursor.column === "") throw fail("cursor names no column");
    checkLag(cursor.lag, fail);
  }
  const fitting = cursor ? ["append"] : options.period ? ["replace_period", "refuse"] : ["snapshot"];
  if (options.reload !== undefined && !fitting.includes(options.reload)) {
    const how = cursor ? "by a cursor" : options.period ? "by period" : "as a whole";
    throw fail(
      `is extracted ${how}, but its reload is "${options.reload}"`,
      `Leave reload out, or say ${fitting.join(" or ")}.`,
    );
  }
  return { connection: database.connection, relation: relationOf(database.relation, fail), cursor };
}

function relationOf(relation: DatabaseOptions["relation"], fail: Failure): RelationName {
  if (typeof relation !== "string") return { schema: relation.schema, name: relation.name };
  const [schema = "", name = "", ...more] = relation.split(".");
  if (schema === "" || name === "" || more.length > 0) {
    throw fail(
      `relation is ${JSON.stringify(relation)}`,
      "Write schema.table, or { schema, name } where a name holds a dot.",
    );
  }
  return { schema, name };
}

function checkLag(lag: string | number | undefined, fail: Failure): void {
  if (typeof lag === "number" && !(Number.isFinite(lag) && lag >= 0))
    throw fail(`cursor.lag is ${lag}`, "Use a number that is not negative.");
  if (typeof lag !== "string") return;
  try {
    parseDuration(lag);
  } catch (thrown) {
    throw fail(
      `cursor.lag: ${thrown instanceof AquiferError ? thrown.message : String(thrown)}`,
      "Write a number and a unit: 30min, 2h, 1d.",
    );
  }
}
