import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { AquiferError } from "../base/errors.js";

/**
 * Absolute path of the bundle of `@dataform/core`: the project's own copy if it has one, else ours.
 *
 * @throws AquiferError `core-version` when the project's copy is of another major version
 */
export function findCore(root: string): string {
  const bundle = resolveFrom(join(root, "package.json"));
  if (bundle === undefined) return createRequire(import.meta.url).resolve("@dataform/core");
  const { version = "" } = JSON.parse(readFileSync(join(dirname(bundle), "package.json"), "utf8")) as {
    version?: string;
  };
  if (version.startsWith("3.")) return bundle;
  throw new AquiferError(`The project has @dataform/core ${version}, but Aquifer needs 3.x`, {
    code: "core-version",
    hint: "Take it out of package.json, since Aquifer brings its own, or: npm install @dataform/core@3",
  });
}

function resolveFrom(path: string): string | undefined {
  try {
    return createRequire(path).resolve("@dataform/core");
  } catch {
    return undefined;
  }
}
