import { utf16Offset } from "../base/text-position.js";
import type { Queryable, QueryResult, Row } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import { parseStatement, walk } from "./parse-statement.js";

/** Statements may name roles only with one of these words. */
const mayNameRoles = /\b(grant|revoke|owner|authorization|policy|owned)\b/i;
const standIn = "current_user";

interface Replacement {
  /** Where the role's name stands, in UTF-16 units. */
  readonly start: number;
  readonly length: number;
}

/**
 * A connection to the scratch database on which every role that a statement grants to, or gives something to, is the one
 * that is connected: roles belong to a server, and those of the warehouse are not on the embedded one.
 */
export function withStandInRoles(session: Queryable): Queryable {
  const standing: Queryable = {
    async query(text, values, options) {
      const names = values === undefined ? roleNames(text) : [];
      const replacements = names.map(({ start, name }) => ({ start, length: written(text, start, name) }));
      if (replacements.length === 0) return session.query(text, values, options);
      try {
        return await session.query(replaced(text, replacements), values, options);
      } catch (error) {
        if (!(error instanceof WarehouseError) || error.isConnectionLoss) throw error;
        throw inOriginal(error, text, replacements);
      }
    },
    async sequence(steps) {
      const results: QueryResult<Row>[] = [];
      for (const { text, values } of steps) results.push(await standing.query(text, values));
      return results;
    },
  };
  return standing;
}

/** The roles that statements name, with the places; not those they would make or become. */
export function roleNames(text: string): { readonly name: string; readonly start: number }[] {
  if (!mayNameRoles.test(text)) return [];
  const parsed = parseStatement(text);
  if (!parsed.ok) return [];
  const found: { name: string; start: number }[] = [];
  walk(
    parsed.statements.map((each) => each.tree),
    ({ roletype, rolename, location = 0 }) => {
      if (roletype !== "ROLESPEC_CSTRING" || typeof rolename !== "string" || typeof location !== "number")
        return;
      found.push({ name: rolename, start: utf16Offset(text, location, "bytes") });
    },
  );
  return found.sort((a, b) => a.start - b.start);
}

/** Length of a name as it is written: in quotes where it begins with one. */
function written(text: string, start: number, name: string): number {
  if (text[start] !== '"') return name.length;
  return name.replaceAll('"', '""').length + 2;
}

function replaced(text: string, replacements: readonly Replacement[]): string {
  let sent = "";
  let end = 0;
  for (const { start, length } of replacements) {
    sent += text.slice(end, start) + standIn;
    end = start + length;
  }
  return sent + text.slice(end);
}

/** The server's answer as if it had been about the original text. */
function inOriginal(
  error: WarehouseError,
  text: string,
  replacements: readonly Replacement[],
): WarehouseError {
  const { position, ...server } = error.server;
  if (position === undefined || error.statement === undefined) return error;
  let offset = utf16Offset(error.statement, position - 1, "code points");
  for (const { start, length } of replacements) if (start < offset) offset += length - standIn.length;
  const original = Array.from(text.slice(0, offset)).length + 1;
  return new WarehouseError({ ...server, position: original }, text, error);
}
