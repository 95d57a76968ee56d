import { chmodSync, mkdirSync, readFileSync, statfsSync } from "node:fs";
import { freemem } from "node:os";

/** Free bytes that a run of the tests wants of memory and of the folder in it. */
const wanted = 4 * 1024 ** 3;

/** Where Linux keeps files in memory. */
const place = "/dev/shm";

/**
 * A folder for the databases and projects of the tests that lies in memory, where there is enough of it: they make and remove
 * files by the ten thousand, which a disk's file system finds slow. Undefined where programs cannot be run from it.
 */
export function memoryFolder(): string | undefined {
  if (process.platform !== "linux" || freemem() < wanted) return undefined;
  try {
    const mount = readFileSync("/proc/mounts", "utf8")
      .split("\n")
      .find((line) => line.split(" ")[1] === place);
    const { bavail, bsize } = statfsSync(place);
    if (mount === undefined || /\bnoexec\b/.test(mount) || bavail * bsize < wanted) return undefined;
    const folder = `${place}/aquifer-tests-of-${process.getuid?.() ?? 0}`;
    mkdirSync(folder, { recursive: true });
    // The account that runs a server in place of root must be able to enter and write.
    chmodSync(folder, 0o1777);
    return folder;
  } catch {
    return undefined;
  }
}
