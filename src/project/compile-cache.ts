import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { builtFile } from "../base/built-file.js";
import { packageVersion } from "../base/package-version.js";
import type { CompiledProject } from "./compiled-project.js";
import { writeWhole } from "../base/write-whole.js";

/** State of a file that changes whenever its content may have: times in milliseconds, size, inode. */
type Stamp = readonly [modified: number, changed: number, size: number, inode: number];

/** Files by absolute path; null for one that is not there. */
export type Stamps = Readonly<Record<string, Stamp | null>>;

interface Manifest {
  /** The files that were listed, whose set must be the same. */
  readonly listed: readonly string[];
  readonly stamps: Stamps;
}

/**
 * The last compilation of a project with the same options, kept in `.aquifer/cache/`. It is used again only while every
 * file it depends on is as it was, down to the inode's change time.
 */
export interface CompileCache {
  /** @param listed absolute paths of the files that a compilation would take now */
  read(listed: readonly string[]): CompiledProject | undefined;
  /** @param stamps taken before the compilation began, of the listed files and of what else they load */
  write(listed: readonly string[], stamps: Stamps, project: CompiledProject): Promise<void>;
}

/** @param identity all that decides the result beside files: options, versions */
export function compileCache(root: string, identity: object): CompileCache {
  const path = cachePath(root, "compile", identity);
  return {
    read(listed) {
      try {
        const content = readFileSync(path);
        const length = content.readUInt32LE(0);
        const manifest = deserialize(content.subarray(4, 4 + length)) as Manifest;
        return isSame(manifest, listed)
          ? (deserialize(content.subarray(4 + length)) as CompiledProject)
          : undefined;
      } catch {
        // Not there, or not whole: as good as not there.
        return undefined;
      }
    },
    async write(listed, stamps, project) {
      const manifest = serialize({ listed, stamps } satisfies Manifest);
      const header = Buffer.alloc(4);
      header.writeUInt32LE(manifest.length);
      try {
        await writeWhole(path, [header, manifest, serialize(project)]);
      } catch (thrown) {
        // A project that may only be read compiles as well, without being remembered.
        const { code } = thrown as NodeJS.ErrnoException;
        if (code !== "EACCES" && code !== "EROFS" && code !== "EPERM") throw thrown;
      }
    },
  };
}

/**
 * A file in `.aquifer/cache/` for what this program makes of a project.
 *
 * @param identity all that decides the result beside files of the project and versions
 */
export function cachePath(root: string, kind: string, identity: object): string {
  const program = fileURLToPath(builtFile("project/compile-worker.js"));
  const versions = [packageVersion(), stamp(program), process.version];
  const digest = createHash("sha256")
    .update(JSON.stringify([root, identity, versions]))
    .digest("hex");
  return join(root, ".aquifer", "cache", `${kind}-${digest.slice(0, 16)}.v8`);
}

/** The state of files now. */
export function takeStamps(paths: Iterable<string>): Stamps {
  return Object.fromEntries([...paths].map((path) => [path, stamp(path)]));
}

function isSame({ listed: known, stamps }: Manifest, listed: readonly string[]): boolean {
  return (
    known.length === listed.length &&
    known.every((path, index) => path === listed[index]) &&
    Object.entries(stamps).every(([path, known]) => String(stamp(path)) === String(known))
  );
}

function stamp(path: string): Stamp | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? null : [stats.mtimeMs, stats.ctimeMs, stats.size, stats.ino];
}
