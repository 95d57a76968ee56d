import { join } from "node:path";
import { build, type BuildFailure, type Plugin } from "esbuild";
import { builtFile } from "../base/built-file.js";
import { AquiferError, asError } from "../base/errors.js";
import { fileURLToPath } from "node:url";

/**
 * The page scripts of reports, by file: the report itself, what it draws with, and the page's behaviour, as one classic
 * script that defines `mountReport(data)`. All reports are bundled in one pass, so that what they share is read once.
 */
export async function bundleScripts(
  projectRoot: string,
  files: readonly string[],
): Promise<Map<string, string | AquiferError>> {
  try {
    return await bundle(projectRoot, files);
  } catch (thrown) {
    const [only] = files;
    if (files.length === 1 && only !== undefined) return new Map([[only, bundleError(thrown, only)]]);
    // One report that does not bundle must not take the others with it.
    const single = await Promise.all(files.map((file) => bundleScripts(projectRoot, [file])));
    return new Map(single.flatMap((each) => [...each]));
  }
}

async function bundle(projectRoot: string, files: readonly string[]): Promise<Map<string, string>> {
  const result = await build({
    entryPoints: files.map((file, index) => ({ in: `page:${file}`, out: String(index) })),
    absWorkingDir: projectRoot,
    bundle: true,
    write: false,
    outdir: "out",
    format: "iife",
    platform: "browser",
    target: ["chrome100", "firefox113", "safari16.4"],
    minify: true,
    legalComments: "none",
    charset: "utf8",
    logLevel: "silent",
    plugins: [pageScript(projectRoot)],
  });
  const texts = new Map(result.outputFiles.map((output) => [output.path, output.text]));
  return new Map(
    files.map((file, index) => [file, texts.get(join(projectRoot, "out", `${index}.js`)) ?? ""]),
  );
}

/** What a report imports, as the page has it: the framework's modules that need no Node. */
function pageScript(projectRoot: string): Plugin {
  const path = (built: string): string => fileURLToPath(builtFile(built));
  const modules: Readonly<Record<string, string>> = {
    aquifer: path("report/page-api.js"),
    "aquifer/charts": path("report/charts/index.js"),
  };
  return {
    name: "page-script",
    setup(context) {
      context.onResolve({ filter: /^page:/ }, (found) => ({ path: found.path.slice(5), namespace: "page" }));
      context.onLoad({ filter: /.*/, namespace: "page" }, ({ path: file }) => ({
        contents:
          `import { mount } from ${JSON.stringify(path("report/browser/main.js"))};\n` +
          `import report from ${JSON.stringify(join(projectRoot, file))};\n` +
          `globalThis.mountReport = (data) => mount(report, data);\n`,
        resolveDir: projectRoot,
      }));
      context.onResolve({ filter: /^aquifer(\/.*)?$/ }, (found) => {
        const module = modules[found.path];
        return module === undefined ? undefined : { path: module };
      });
      // A project may carry a copy of its own; marks of two copies do not mix.
      context.onResolve({ filter: /^@observablehq\/plot$/ }, (found) =>
        found.pluginData === "framework"
          ? undefined
          : context.resolve(found.path, {
              kind: found.kind,
              resolveDir: fileURLToPath(builtFile("report/")),
              pluginData: "framework",
            }),
      );
    },
  };
}

function bundleError(thrown: unknown, file: string): AquiferError {
  const [first] = (thrown as Partial<BuildFailure>).errors ?? [];
  return new AquiferError(
    `the report does not bundle for the page: ${first?.text ?? asError(thrown).message}`,
    {
      code: "bad-report",
      location: first?.location
        ? { file: first.location.file, line: first.location.line, column: first.location.column + 1 }
        : { file },
      hint: "A report's file runs in the browser too: it cannot import what only Node has.",
      cause: thrown,
    },
  );
}
