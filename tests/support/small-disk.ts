// A full disk for a server of the tests: a small one of its own where one can be mounted, else a limit on file sizes.
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The file that takes the rest of the disk. */
const filler = "filler";

/** Moves a folder to a disk of its own, mounted in its place; false, and nothing changed, where none can be mounted. */
export function moveToSmallDisk(folder: string, bytes: number): boolean {
  const move = [
    'mv "$1" "$1.moved" && mkdir "$1"',
    'if mount -t tmpfs -o "size=$2" tmpfs "$1" 2>/dev/null; then cp -a "$1.moved/." "$1"; else rmdir "$1" && mv "$1.moved" "$1" && exit 3; fi',
    'chown --reference="$1.moved" "$1" && chmod --reference="$1.moved" "$1" && rm -r "$1.moved"',
  ].join("\n");
  const { status, stderr } = spawnSync("bash", ["-euc", move, "bash", folder, String(bytes)], {
    encoding: "utf8",
  });
  if (status !== 0 && status !== 3) throw new Error(`the data cannot be moved: ${stderr}`);
  return status === 0;
}

/** Writes until so many bytes are left on a disk, while the server writes too. */
export function fillDisk(disk: string, leave: number): void {
  const file = openSync(join(disk, filler), "a");
  try {
    for (let block = 1 << 20; block >= 4096; block >>= 1) {
      const { bavail, bsize } = statfsSync(disk);
      for (let room = bavail * bsize - leave; room >= block; room -= block)
        writeSync(file, Buffer.alloc(block));
    }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOSPC") throw thrown;
  } finally {
    closeSync(file);
  }
}

/** Gives back what `fillDisk` took. */
export function freeDisk(disk: string): void {
  rmSync(join(disk, filler), { force: true });
}

/**
 * Starts a server whose files may not grow beyond 17 MB, one more than its log segments: what a full disk does to a table.
 *
 * @param cli path of `bin/dataform.js`
 */
export function startWithSmallFiles(root: string, cli: string): void {
  const embedded = new URL("../dist/warehouse/embedded/embedded-server.js", pathToFileURL(cli));
  const start = `const { startEmbedded } = await import(${JSON.stringify(embedded.href)}); await startEmbedded(${JSON.stringify(root)});`;
  execFileSync("bash", [
    "-c",
    'ulimit -S -f 17408; exec "$0" --input-type=module -e "$1"',
    process.execPath,
    start,
  ]);
}
