import { existsSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { glob } from "tinyglobby";
import { AquiferError } from "../base/errors.js";

/** A file that may be loaded. */
export interface RawFile {
  /** `raw/<system>`, or `seeds`. */
  readonly folder: string;
  /** Below the folder, with forward slashes. */
  readonly path: string;
  /** Absolute. */
  readonly fullPath: string;
  readonly bytes: number;
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
    files.push({ folder, path: path.replaceAll("\\", "/"), fullPath, bytes: size, modifiedAt: mtime });
  }
  return files;
}
