import { quoteIdentifier, quoteLiteral } from "../base/identifiers.js";
import { runLockKey } from "../history/run-store.js";
import type { Session, Warehouse } from "../warehouse/warehouse.js";

/** Says whose a schema is that a killed run left. */
const commentPrefix = "private schema of aquifer run ";

/** The private schemas of a run, one a session: made when a session first needs one, empty between actions, dropped at the end. */
export class SessionSchemas {
  private readonly byBackend = new Map<number, string>();

  constructor(
    private readonly warehouse: Warehouse,
    private readonly runId: string,
    private readonly newSchema: () => string,
  ) {}

  /** The session's schema, which is made at the first call; for use outside a transaction. */
  async of(session: Session): Promise<string> {
    const known = this.byBackend.get(session.backendPid);
    if (known !== undefined) return known;
    const schema = this.newSchema();
    await session.query(
      [
        `create schema ${quoteIdentifier(schema)}`,
        `comment on schema ${quoteIdentifier(schema)} is ${quoteLiteral(commentPrefix + this.runId)}`,
        // The server makes a schema for what is temporary when a session first needs it; undone with that, it would be made
        // again for each action.
        // Whatever forbids that, `nextColumns` meets it too and does without: nothing is foreseen of columns then.
        `do $aquifer$ begin
  create temporary view aquifer_columns as select;
  drop view pg_temp.aquifer_columns;
exception when others then null;
end $aquifer$`,
      ].join(";\n"),
    );
    this.byBackend.set(session.backendPid, schema);
    return schema;
  }

  /** Drops them all; one that is still in use is left for the next run to sweep. */
  async drop(): Promise<void> {
    await dropEmpty(this.warehouse, [...this.byBackend.values()]);
  }
}

/** Drops the private schemas of runs that are dead; says nothing of those that it may not or cannot drop now. */
export async function sweepSessionSchemas(warehouse: Warehouse): Promise<void> {
  const runId = `substr(comment, ${commentPrefix.length + 1})`;
  const { rows } = await warehouse.query<{ name: string }>(
    `select nspname as name from (
  select nspname, obj_description(oid, 'pg_namespace') as comment from pg_catalog.pg_namespace
  where nspname ~ '^aquifer_[0-9a-f]{8}_[0-9]+$' and pg_has_role(nspowner, 'USAGE')
) as found
where case when starts_with(comment, ${quoteLiteral(commentPrefix)}) then pg_try_advisory_xact_lock(${runLockKey(runId)}) end`,
  );
  await dropEmpty(
    warehouse,
    rows.map(({ name }) => name),
  );
}

/** One by one: what somebody keeps locked or has put something into must not keep the others from going. */
async function dropEmpty(warehouse: Warehouse, schemas: readonly string[]): Promise<void> {
  if (schemas.length === 0) return;
  await warehouse.query(
    `do $aquifer$
declare name text;
begin
  set local lock_timeout = '500ms';
  foreach name in array array[${schemas.map(quoteLiteral).join(", ")}]::text[] loop
    begin
      execute format('drop schema if exists %I restrict', name);
    exception when lock_not_available or dependent_objects_still_exist then
    end;
  end loop;
end $aquifer$`,
  );
}
