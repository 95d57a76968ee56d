import { quoteIdentifier } from "../base/identifiers.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";
import type { ActionContext } from "./action-context.js";

/** Where a new version stands until it takes the place of the old one; nothing else stands there. */
export interface PrivateSchema {
  readonly schema: string;
  /** True for a schema that the session keeps for its next action. */
  readonly isKept: boolean;
}

/**
 * A private schema for the new version of a relation. That of the session where there is one: a schema that is made or
 * dropped makes every session of the server plan all its statements anew.
 */
export async function openPrivateSchema(
  context: ActionContext,
  facts: RelationFacts,
): Promise<PrivateSchema> {
  // A new owner must be able to own things where the successor stands: that takes a grant, so a schema of its own.
  if (context.sessionSchema !== undefined && facts.isOwnedByCurrentUser)
    return { schema: context.sessionSchema, isKept: true };
  const schema = context.newSchema();
  await context.session.query(`create schema ${quoteIdentifier(schema)}`);
  return { schema, isKept: false };
}

/** Leaves a private schema in which nothing stands any more. */
export function closePrivateSchema({ schema, isKept }: PrivateSchema): string[] {
  return isKept ? [] : [`drop schema ${quoteIdentifier(schema)} restrict`];
}
