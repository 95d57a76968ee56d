import { isUtf8 } from "node:buffer";

/** Bytes as text; those that are no text of PostgreSQL's as `\x` and hexadecimal digits, as `bytea` writes them. */
export function bytesText(bytes: Buffer): string {
  return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString() : `\\x${bytes.toString("hex")}`;
}
