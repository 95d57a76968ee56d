import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { AquiferError, asError, exitCodes } from "../base/errors.js";

const run = promisify(execFile);

/**
 * Lends the project as it was at a git revision, in a folder below `.aquifer/` (so that what it imports from
 * `node_modules` is found), and removes it afterwards. The work tree is not touched.
 *
 * @throws AquiferError `unknown-revision`
 */
export async function withRevision<T>(
  root: string,
  revision: string,
  body: (folder: string) => Promise<T>,
): Promise<T> {
  const git = async (...args: string[]): Promise<string> =>
    (await run("git", args, { cwd: root })).stdout.trim();
  let tree: string;
  try {
    const prefix = await git("rev-parse", "--show-prefix");
    tree = await git("rev-parse", "--verify", "--end-of-options", `${revision}:${prefix}`);
  } catch (thrown) {
    throw new AquiferError(`"${revision}" is no revision of this project in git`, {
      code: "unknown-revision",
      exitCode: exitCodes.usage,
      hint: "Name a branch, a tag or a commit that holds the project; in CI, fetch it first.",
      cause: asError(thrown),
    });
  }
  const folder = join(root, ".aquifer", "revisions", `${tree.slice(0, 12)}-${process.pid}`);
  const archive = `${folder}.tar`;
  await mkdir(folder, { recursive: true });
  try {
    await git("archive", "--format=tar", `--output=${archive}`, tree);
    await run("tar", ["-xf", archive, "-C", folder]);
    return await body(folder);
  } finally {
    await rm(archive, { force: true });
    await rm(folder, { recursive: true, force: true });
  }
}
