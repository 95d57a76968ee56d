import { AquiferError } from "./errors.js";

/** A relation of the connected database: every relation that Aquifer names is schema-qualified. */
export interface RelationName {
  readonly schema: string;
  readonly name: string;
}

/** PostgreSQL keeps at most this many bytes of an identifier and silently cuts the rest. */
export const maxIdentifierBytes = 63;

/** An identifier, always quoted, for SQL text. Refuses what PostgreSQL cannot hold. */
export function quoteIdentifier(identifier: string): string {
  if (identifier === "" || identifier.includes("\0")) {
    throw new AquiferError(`${JSON.stringify(identifier)} is not a possible identifier`, {
      code: "bad-identifier",
      hint: "A name needs at least one character and no NUL.",
    });
  }
  if (Buffer.byteLength(identifier) > maxIdentifierBytes) {
    throw new AquiferError(
      `The name "${identifier}" is longer than PostgreSQL's ${maxIdentifierBytes} bytes`,
      {
        code: "name-too-long",
        hint: "Choose a shorter name: PostgreSQL would silently cut it.",
      },
    );
  }
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** `"schema"."name"`. */
export function quoteRelation(relation: RelationName): string {
  return `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`;
}

/** A string literal that means the same whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  if (text.includes("\0")) {
    throw new AquiferError("A text with a NUL character cannot stand in SQL", { code: "nul-in-text" });
  }
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** `schema.name` for people; not for SQL. */
export function formatRelation(relation: RelationName): string {
  return `${relation.schema}.${relation.name}`;
}

/** The shortened identifier `base` + `suffix` that fits into 63 bytes, distinct for distinct inputs by a short hash. */
export function derivedIdentifier(base: string, suffix: string): string {
  const whole = base + suffix;
  if (Buffer.byteLength(whole) <= maxIdentifierBytes) return whole;
  const tag = `_${hash32(whole)}${suffix}`;
  let kept = base;
  while (Buffer.byteLength(kept + tag) > maxIdentifierBytes) kept = Array.from(kept).slice(0, -1).join("");
  return kept + tag;
}

/** FNV-1a, 32 bits, as 8 hexadecimal digits (http://www.isthe.com/chongo/tech/comp/fnv/). */
export function hash32(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}
