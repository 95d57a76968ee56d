import { quoteIdentifier, type RelationName } from "../base/identifiers.js";
import { migrateHistory } from "../history/migrate.js";
import type { ServerAccess } from "../warehouse/embedded-database.js";
import type { Queryable, Warehouse } from "../warehouse/warehouse.js";
import { buildSnapshot, installExtensions } from "./build-snapshot.js";
import type { CheckContext } from "./check-context.js";
import { resetSession } from "./build-alone.js";
import { buildKnown, type KnownRelation } from "./empty-build.js";
import { withScratchDatabase } from "./scratch-database.js";
import type { Snapshot } from "./snapshot.js";
import { withStandInRoles } from "./stand-in-roles.js";

export interface EmptyDatabaseOptions {
  readonly historySchema: string;
  /** What else the warehouse holds; undefined where nobody has pulled it. */
  readonly snapshot?: Snapshot;
  readonly signal?: AbortSignal;
  /** Most connections of the lent database; 2 unless given. */
  readonly maxSessions?: number;
}

/** A scratch database before anything of a project's own is in it. */
export interface EmptyDatabase {
  readonly warehouse: Warehouse;
  /** Extensions of the snapshot that the embedded server does not have. */
  readonly lacking: readonly string[];
}

export interface EmptyWarehouseOptions extends EmptyDatabaseOptions {
  readonly server: ServerAccess;
  /** Sources and seeds. */
  readonly known: readonly KnownRelation[];
  /** One that is being made already, with the same options; it serves once. */
  readonly database?: Promise<EmptyDatabase> | undefined;
}

export interface EmptyWarehouse {
  readonly warehouse: Warehouse;
  /** The connection that actions are built on: every role of the warehouse stands for its own. */
  readonly session: Queryable;
}

/**
 * Lends a scratch database with history and extensions, and removes it afterwards. It is made while the body does what needs
 * no database yet, such as compiling.
 */
export function withEmptyDatabase<T>(
  server: ServerAccess | Promise<ServerAccess>,
  options: EmptyDatabaseOptions,
  body: (database: Promise<EmptyDatabase>) => Promise<T>,
): Promise<T> {
  const { snapshot, historySchema, signal, maxSessions } = options;
  const lacking: string[] = [];
  return withScratchDatabase(
    server,
    (scratch) => {
      const database = scratch.then(async (warehouse) => {
        await migrateHistory(warehouse, historySchema);
        return { warehouse, lacking };
      });
      database.catch(() => undefined);
      return body(database);
    },
    {
      ...(signal === undefined ? {} : { signal }),
      ...(maxSessions === undefined ? {} : { maxSessions }),
      ...(snapshot === undefined
        ? {}
        : {
            prepare: async (superuser, owner) => {
              lacking.push(...(await installExtensions(superuser, snapshot.extensions, owner)));
            },
          }),
    },
  );
}

/** Lends a scratch database that holds what a project is built on, empty: history, sources, and what was pulled. */
export async function withEmptyWarehouse<T>(
  context: CheckContext,
  options: EmptyWarehouseOptions,
  body: (empty: EmptyWarehouse) => Promise<T>,
): Promise<T> {
  const { server, known, snapshot, database } = options;
  const build = async (empty: Promise<EmptyDatabase>): Promise<T> => {
    const { warehouse, lacking } = await empty;
    context.lacking.push(...lacking);
    return warehouse.withSession(async (connection) => {
      const session = withStandInRoles(connection);
      await resetSession(session);
      await buildKnown(session, context.actions.values(), known);
      const failed = snapshot === undefined ? new Set<string>() : await buildSnapshot(session, snapshot);
      await markUnknown(session, context, options, failed);
      return body({ warehouse, session });
    });
  };
  return database === undefined ? withEmptyDatabase(server, options, build) : build(database);
}

/** A declaration whose columns nobody knows cannot be read, and is no fault of the project. The history is there. */
async function markUnknown(
  session: Queryable,
  context: CheckContext,
  { known, snapshot, historySchema }: EmptyWarehouseOptions,
  failed: ReadonlySet<string>,
): Promise<void> {
  const { rows } = await session.query<RelationName>(
    `select $1 as schema, relname as name from pg_class
     where relnamespace = $2::regnamespace and relkind in ('r', 'v')`,
    [historySchema, quoteIdentifier(historySchema)],
  );
  const names = [...known.map(({ name }) => name), ...(snapshot?.relations ?? []), ...rows];
  const keys = new Set(names.map((each) => `${each.schema}.${each.name}`));
  for (const action of context.actions.values()) {
    if (action.kind !== "declaration") continue;
    if (failed.has(action.key)) {
      context.broken.set(action.key, "has a type that the embedded server lacks");
    } else if (!keys.has(action.key)) {
      context.broken.set(action.key, "is declared without columns");
    }
  }
}
