import { quoteIdentifier, quoteLiteral, quoteRelation } from "../base/identifiers.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Snapshot, SnapshotColumn, SnapshotFunction, SnapshotType } from "./snapshot.js";

/** Installs the extensions of a warehouse; returns those that this server does not have. */
export async function installExtensions(
  superuser: Queryable,
  extensions: Snapshot["extensions"],
  owner: string,
): Promise<string[]> {
  const lacking: string[] = [];
  for (const { name, schema } of extensions) {
    const quoted = quoteIdentifier(schema);
    if (schema !== "pg_catalog") {
      await superuser.query(`create schema if not exists ${quoted} authorization ${quoteIdentifier(owner)}`);
    }
    const done = await tried(
      superuser,
      `create extension if not exists ${quoteIdentifier(name)} schema ${quoted} cascade`,
    );
    if (!done) lacking.push(name);
  }
  return lacking;
}

/**
 * Makes the types, relations and functions of a snapshot in the scratch database: relations empty, functions as stubs of
 * their signatures. Returns the keys of relations that cannot be made here, as they need what this server lacks.
 */
export async function buildSnapshot(session: Queryable, snapshot: Snapshot): Promise<ReadonlySet<string>> {
  const { types, relations, functions } = snapshot;
  const schemas = new Set([...types, ...relations, ...functions].map(({ schema }) => schema));
  for (const schema of schemas) await session.query(`create schema if not exists ${quoteIdentifier(schema)}`);
  const failed = new Set(relations.map(({ schema, name }) => `${schema}.${name}`));
  let open: (readonly [statement: string, relation?: string])[] = [
    ...types.map((type) => [createType(type)] as const),
    ...relations.map(
      (each) =>
        [
          `create table ${quoteRelation(each)} (${columnList(each.columns)})`,
          `${each.schema}.${each.name}`,
        ] as const,
    ),
    ...functions.flatMap((each, index) =>
      createFunction(each, index).map((statement) => [statement] as const),
    ),
  ];
  // Some need others: what fails is tried again as long as anything succeeds.
  for (let before = Infinity; open.length > 0 && open.length < before;) {
    before = open.length;
    const again: typeof open = [];
    for (const each of open) {
      const [statement, relation] = each;
      if (!(await tried(session, statement))) again.push(each);
      else if (relation !== undefined) failed.delete(relation);
    }
    open = again;
  }
  return failed;
}

function createType(type: SnapshotType): string {
  const name = quoteRelation(type);
  switch (type.kind) {
    case "enum":
      return `create type ${name} as enum (${type.labels.map(quoteLiteral).join(", ")})`;
    case "domain":
      return `create domain ${name} as ${type.type}${type.notNull === true ? " not null" : ""}`;
    case "composite":
      return `create type ${name} as (${type.columns.map((each) => `${quoteIdentifier(each.name)} ${each.type}`).join(", ")})`;
    case "range":
      return `create type ${name} as range (subtype = ${type.type})`;
  }
}

/** A body that fits every signature; it is never run on rows, for there are none. */
const stubBody = "language plpgsql as 'begin end'";

function createFunction(each: SnapshotFunction, index: number): string[] {
  const name = quoteRelation(each);
  const { volatility, returns = "void" } = each;
  switch (each.kind) {
    case "procedure":
      return [`create procedure ${name}(${each.arguments}) ${stubBody}`];
    case "function":
      return [`create function ${name}(${each.arguments}) returns ${returns} ${volatility} ${stubBody}`];
    case "aggregate": {
      const step = quoteRelation({ schema: each.schema, name: `aquifer_step_${index}` });
      const types = [returns, ...each.takes].join(", ");
      return [
        `create function ${step}(${types}) returns ${returns} immutable ${stubBody}`,
        `create aggregate ${name}(${each.arguments === "" ? "*" : each.arguments}) (sfunc = ${step}, stype = ${returns})`,
      ];
    }
  }
}

export function columnList(columns: readonly SnapshotColumn[]): string {
  return columns
    .map(
      ({ name, type, notNull }) => `${quoteIdentifier(name)} ${type}${notNull === true ? " not null" : ""}`,
    )
    .join(", ");
}

async function tried(session: Queryable, statement: string): Promise<boolean> {
  try {
    await session.query(statement);
    return true;
  } catch (error) {
    if (!(error instanceof WarehouseError) || error.isConnectionLoss) throw error;
    return false;
  }
}
