import { formatRelation } from "../base/identifiers.js";
import type { Action } from "../project/action.js";

/** A view, materialized view or assertion of this project, which may be rebuilt when it stands above a changed relation. */
export interface ManagedView {
  readonly query: string;
  readonly materialized: boolean;
}

/** Views, materialized views and assertions of the project, by `schema.name` in the database. */
export function managedViews(actions: ReadonlyMap<string, Action>): ReadonlyMap<string, ManagedView> {
  const managed = new Map<string, ManagedView>();
  for (const action of actions.values()) {
    if (action.disabled || action.jitCode !== undefined) continue;
    if (action.kind === "view" || action.kind === "assertion") {
      const materialized = action.kind === "view" && action.materialized;
      managed.set(formatRelation(action.target), { query: action.query, materialized });
    }
  }
  return managed;
}
