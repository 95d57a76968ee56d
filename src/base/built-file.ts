import { sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * The built JavaScript of a module of this package, for what Node must load by itself: workers, child processes and
 * the public API inside a user's bundled file. From a source checkout (tests run there) it points into `dist/`.
 *
 * @example builtFile("project/compile-worker.js")
 */
export function builtFile(path: string): URL {
  const here = fileURLToPath(new URL("../", import.meta.url));
  const root = here.endsWith(`${sep}src${sep}`) ? `${here.slice(0, -4)}dist${sep}` : here;
  return pathToFileURL(root + path.replaceAll("/", sep));
}
