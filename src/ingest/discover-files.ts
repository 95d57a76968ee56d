import { existsSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { join, posix, sep } from "node:path";
import { glob } from "tinyglobby";
import { AquiferError } from "../base/errors.js";
import type { Packing } from "./unpack.js";
import { readZipDirectory } from "./zip-directory.js";

/** A file that may be loaded. */
export interface RawFile {
  /** `raw/<system>`, or `seeds`. */
  readonly folder: string;
  /** Below the folder, with forward slashes. */
  readonly path: string;
  /** What file patterns see: without `.gz`; a member of a zip as if it lay beside the archive. */
  readonly matchPath: string;
  readonly packing: Packing | undefined;
  /** Absolute. */
  readonly fullPath: string;
  /** Of the content; of a gzip file those on disk. */
  readonly bytes: number;
  readonly bytesOnDisk: number;
  readonly modifiedAt: Date;
}

/** The path below the project's root, for people. */
export function displayName(file: Pick<RawFile, "folder" | "path">): string {
  return `${file.folder}/${file.path}`;
}

/**
 * All files below a folder of the project but hidden ones, in the order of their names. A link that leads out of the folder
 * is refused.
 *
 * @param folder `raw/<system>` or `seeds`
 * @throws AquiferError `link-out-of-folder`
 */
export async function discoverFiles(projectRoot: string, folder: string): Promise<RawFile[]> {
  const root = join(projectRoot, folder);
  if (!existsSync(root)) return [];
  const realRoot = await realpath(root);
  const paths = await glob("**/*", { cwd: root, onlyFiles: true, expandDirectories: false });
  const files: RawFile[] = [];
  for (const path of paths.sort()) {
    const fullPath = join(root, path);
    const real = await realpath(fullPath);
    if (!real.startsWith(realRoot + sep)) {
      throw new AquiferError(`${folder}/${path} is a link that leads out of ${folder}/`, {
        code: "link-out-of-folder",
        hint: "Copy the file instead.",
      });
    }
    const { size, mtime } = await stat(fullPath);
    const file = {
      folder,
      path: path.replaceAll("\\", "/"),
      fullPath,
      bytes: size,
      bytesOnDisk: size,
      modifiedAt: mtime,
    };
    files.push(...(await unwrap(file)));
  }
  return files;
}

type PlainFile = Omit<RawFile, "matchPath" | "packing">;

async function unwrap(file: PlainFile): Promise<RawFile[]> {
  if (/\.gz$/i.test(file.path)) {
    return [{ ...file, matchPath: file.path.replace(/\.gz$/i, ""), packing: { kind: "gzip" } }];
  }
  if (!/\.zip$/i.test(file.path)) return [{ ...file, matchPath: file.path, packing: undefined }];
  const members = await readZipDirectory(file.fullPath, displayName(file));
  return members.map((member) => ({
    ...file,
    path: `${file.path}/${member.name}`,
    matchPath: posix.join(posix.dirname(file.path), member.name),
    bytes: member.bytes,
    packing: { kind: "zip", member },
  }));
}
