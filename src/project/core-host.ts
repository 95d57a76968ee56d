import { createRequire, Module } from "node:module";
import { existsSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join, sep } from "node:path";
import type { CompilationSql } from "./dialect.js";
import type { ProjectConfig, Target } from "./compiled-graph.js";

/** What core's bundle exports, as far as Aquifer calls it. */
export interface Core {
  readonly version: string;
  readonly session: CoreSession;
  readonly compiler: (code: string, path: string) => string;
  readonly main: (request: Uint8Array) => Uint8Array;
}

export interface CoreSession {
  readonly projectConfig: ProjectConfig;
  compilationSql(): CompilationSql;
  compileError(thrown: unknown, path?: string, target?: Target): void;
  sqlxAction(action: SqlxAction): void;
  publish(name: string, queryOrConfig?: unknown): CoreAction;
  operate(name: string, queryOrConfig?: unknown): CoreAction;
  assert(name: string, queryOrConfig?: unknown): CoreAction;
  declare(config: unknown): CoreAction;
  /** Ends every compilation; `indexedActions` is there afterwards. */
  compile(): { readonly declarations: readonly { readonly target: Target }[] };
  readonly tests: readonly CoreTest[];
  readonly indexedActions: { find(target: Target): CoreAction[] };
  finalizeSchema(schema: string): string;
  finalizeName(name: string): string;
}

/** What a compiled `.sqlx` file calls `session.sqlxAction` with. */
export interface SqlxAction {
  readonly sqlxConfig: Record<string, unknown>;
  readonly sqlContextable: (context: object) => string[];
  readonly inputContextables?: readonly {
    readonly refName: string[];
    readonly contextable: (context: object) => string;
  }[];
}

/** An action as core builds it; `contextableQuery` is set on tables and views. */
export interface CoreAction {
  getTarget(): Target;
  readonly contextableQuery?: unknown;
  readonly proto?: { readonly type?: string };
}

export interface CoreTest {
  readonly contextableQuery?: unknown;
  readonly testTarget?: Target;
  readonly contextableInputs: ReadonlyMap<string, unknown>;
  readonly proto: { readonly name?: string; readonly fileName?: string; readonly tags?: readonly string[] };
}

/** Node's CommonJS loader; its hooks are public by long use, but have no types. */
interface CommonJsLoader {
  _resolveFilename(
    request: string,
    parent: { readonly filename?: string } | undefined,
    isMain: boolean,
    options?: object,
  ): string;
  _extensions: Record<string, (module: CompilingModule, filename: string) => void>;
}
interface CompilingModule {
  exports: unknown;
  _compile(code: string, filename: string, format?: string): void;
}

/** Who watches what the project loads. */
export interface LoadingObserver {
  /** Is told every project file with its text, and gives the JavaScript that stands for it, core's own or another. */
  readonly onLoaded?: (file: string, source: string, compile: () => string) => string;
  /** Is told the path of every file that is required, or the name of a module of Node. */
  readonly onRequired?: (resolved: string) => void;
}

const extensions = [".js", ".sql", ".sqlx", ".yaml", ".yml", ".md", ".ipynb"];

/**
 * Makes this thread's `require` understand a Dataform project and loads core into it. For a thread of its own: the hooks
 * and core's global session stay until the thread ends.
 *
 * @param corePath absolute path of `@dataform/core/bundle.js`
 */
export function loadCore(
  projectRoot: string,
  corePath: string,
  { onLoaded, onRequired }: LoadingObserver = {},
): Core {
  const loader = Module as unknown as CommonJsLoader;
  const resolve = loader._resolveFilename.bind(loader);
  loader._resolveFilename = (request, parent, isMain, options) => {
    if (request === "@dataform/core") return corePath;
    const isPackage = /[\\/]node_modules[\\/]/.test(parent?.filename ?? "") && parent?.filename !== corePath;
    const found =
      (isPackage ? undefined : fromProjectRoot(projectRoot, request)) ??
      resolve(request, parent, isMain, options);
    onRequired?.(found);
    return found;
  };
  const defaultJs = loader._extensions[".js"];
  const core = createRequire(corePath)(corePath) as Core;
  for (const extension of extensions) {
    loader._extensions[extension] = (module, filename) => {
      if (defaultJs && !isProjectFile(projectRoot, filename)) return defaultJs(module, filename);
      const source = readFileSync(filename, "utf8");
      const file = filename.slice(projectRoot.length + 1);
      const compile = (): string => core.compiler(source, file);
      // "commonjs" keeps a project with "type": "module" in its package.json loading.
      module._compile(onLoaded?.(file, source, compile) ?? compile(), filename, "commonjs");
    };
  }
  return core;
}

/** Bare names mean files below the project root, as in Google's CLI: `require("includes/dates")`. */
function fromProjectRoot(projectRoot: string, request: string): string | undefined {
  if (request.startsWith(".") || isAbsolute(request)) return undefined;
  const path = join(projectRoot, request);
  const candidates = [path, ...extensions.map((extension) => path + extension), join(path, "index.js")];
  return candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
}

function isProjectFile(projectRoot: string, filename: string): boolean {
  return (
    filename.startsWith(projectRoot + sep) &&
    !/[\\/]node_modules[\\/]/.test(filename.slice(projectRoot.length))
  );
}
