import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type BuildFailure, type Plugin } from "esbuild";
import { glob } from "tinyglobby";
import { builtFile } from "../base/built-file.js";
import { AquiferError, AquiferErrors, asError } from "../base/errors.js";
import { excerpt } from "../base/source-location.js";
import { writeWhole } from "../base/write-whole.js";

/** One TypeScript (or JavaScript) file of the project half, loaded. */
export interface LoadedModule {
  /** Path relative to the project root, with forward slashes. */
  readonly file: string;
  /** Its exports by name (`default` included). */
  readonly exports: Readonly<Record<string, unknown>>;
}

/**
 * Loads the TypeScript files below a folder of the project, such as `ingest/*.ts`. Types are removed by esbuild (Node 20
 * cannot); `import ... from "aquifer"` means the framework that is running. Every file's errors are reported, not only
 * the first's.
 *
 * @param patterns globs relative to the project root
 */
export async function loadModules(projectRoot: string, patterns: readonly string[]): Promise<LoadedModule[]> {
  const files = (
    await glob([...patterns], { cwd: projectRoot, ignore: ["**/*.d.ts", "**/node_modules/**"] })
  ).sort();
  const loaded = await Promise.allSettled(files.map((file) => loadModule(projectRoot, file)));
  const errors = loaded
    .filter((each) => each.status === "rejected")
    .map((each) => each.reason as AquiferError)
    .flatMap((error) => (error instanceof AquiferErrors ? error.errors : [error]));
  if (errors.length === 1 && errors[0]) throw errors[0];
  if (errors.length > 0) {
    throw new AquiferErrors(`${errors.length} errors in the project's TypeScript files`, errors, {
      code: "bad-module",
    });
  }
  return loaded.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}

/** The exported objects of one kind (`kind: "source"` as made by `defineSource`), each with the file that holds it. */
export function exportsOfKind<T extends { readonly kind: string }>(
  modules: readonly LoadedModule[],
  kind: T["kind"],
): { readonly file: string; readonly value: T }[] {
  return modules.flatMap(({ file, exports }) =>
    Object.values(exports)
      .flatMap((value): unknown[] => (Array.isArray(value) ? value : [value]))
      .filter(
        (value): value is T =>
          typeof value === "object" && value !== null && "kind" in value && value.kind === kind,
      )
      .map((value) => ({ file, value })),
  );
}

async function loadModule(projectRoot: string, file: string): Promise<LoadedModule> {
  const output = await bundle(projectRoot, file);
  const folder = join(projectRoot, ".aquifer", "modules");
  const name = `${file.replace(/[^A-Za-z0-9]+/g, "-")}-${createHash("sha256").update(output).digest("hex").slice(0, 16)}.mjs`;
  await writeWhole(join(folder, name), output);
  try {
    const exports = (await import(pathToFileURL(join(folder, name)).href)) as Record<string, unknown>;
    return { file, exports };
  } catch (thrown) {
    const error = asError(thrown);
    if (error instanceof AquiferError) throw inFile(error, file);
    throw new AquiferError(error.message, { code: "bad-module", location: { file }, cause: error });
  }
}

/** What a declaration of the file objects to, with the file. */
function inFile(error: AquiferError, file: string): AquiferError {
  const { code, hint, details, exitCode, cause, location = { file } } = error;
  const more = hint === undefined ? {} : { hint };
  return new AquiferError(error.message, { code, location, details, exitCode, cause, ...more });
}

async function bundle(projectRoot: string, file: string): Promise<string> {
  try {
    const result = await build({
      entryPoints: [join(projectRoot, file)],
      absWorkingDir: projectRoot,
      bundle: true,
      write: false,
      format: "esm",
      platform: "node",
      target: "node20",
      packages: "external",
      sourcemap: "inline",
      logLevel: "silent",
      plugins: [runningFramework],
    });
    return result.outputFiles[0]?.text ?? "";
  } catch (thrown) {
    throw asBuildErrors(thrown, projectRoot, file);
  }
}

const runningFramework: Plugin = {
  name: "running-framework",
  setup(context) {
    const modules = { aquifer: "index.js", "aquifer/charts": "report/charts/index.js" };
    for (const [name, built] of Object.entries(modules)) {
      const filter = new RegExp(`^${name}$`);
      context.onResolve({ filter }, () => ({ path: builtFile(built).href, external: true }));
    }
  },
};

function asBuildErrors(thrown: unknown, projectRoot: string, file: string): AquiferError {
  const messages = (thrown as Partial<BuildFailure>).errors;
  if (messages === undefined || messages.length === 0) {
    return new AquiferError(asError(thrown).message, {
      code: "bad-module",
      location: { file },
      cause: thrown,
    });
  }
  const errors = messages.map(({ text, location }) => {
    if (!location) return new AquiferError(text, { code: "bad-module", location: { file } });
    const { line, column } = location;
    return new AquiferError(text, {
      code: "bad-module",
      location: { file: location.file, line, column: column + 1 },
      excerpt: excerpt(readFileSync(join(projectRoot, location.file), "utf8"), line, column + 1),
    });
  });
  const [only] = errors;
  return errors.length === 1 && only
    ? only
    : new AquiferErrors(`${file} does not load`, errors, { code: "bad-module" });
}
