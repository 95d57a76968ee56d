import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { partialPath } from "../base/partial-path.js";

/**
 * Writes a file of a project's cache, aside and then renamed. A project that may only be read does without it: nothing is
 * written then.
 */
export function writeCache(path: string, pieces: Iterable<Uint8Array>): void {
  const partial = partialPath(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    const descriptor = openSync(partial, "w");
    try {
      for (const piece of pieces) {
        for (let at = 0; at < piece.length; at += writeSync(descriptor, piece, at));
      }
      renameSync(partial, path);
    } catch (thrown) {
      rmSync(partial, { force: true });
      throw thrown;
    } finally {
      closeSync(descriptor);
    }
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EROFS" && code !== "EPERM") throw thrown;
  }
}
