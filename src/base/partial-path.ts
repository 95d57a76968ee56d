import { randomBytes } from "node:crypto";

/** A path beside another one, for a file that is written aside and then renamed: of this writing alone, in whatever thread. */
export function partialPath(path: string): string {
  return `${path}.${process.pid}-${randomBytes(4).toString("hex")}.partial`;
}
