import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseDuration } from "../base/duration.js";
import { AquiferError } from "../base/errors.js";
import { nearestName } from "../base/nearest-name.js";
import { actionKey } from "./action-graph.js";
import type { Action } from "./action.js";
import type { AquiferConfig, ConnectionConfig, OperationConfig } from "./aquifer-config.js";
import type { CompiledGraph } from "./compiled-graph.js";
import { connectionNameProblem, defaultUrlVariable } from "./database-source.js";
import { defaultBrokerVariable } from "./kafka-source.js";
import { SettingsReader, type SettingsFile } from "./settings-reader.js";

/** `aquifer.config.ts`, checked and completed with defaults. Durations are milliseconds. */
export interface ResolvedConfig {
  readonly concurrency?: number;
  readonly timeouts: {
    readonly compilation?: number;
    readonly execution?: number;
    readonly statement?: number;
    readonly jit?: number;
  };
  readonly auditBeforePublish: boolean;
  readonly operations: Readonly<Record<string, OperationConfig>>;
  readonly connections: Readonly<Record<string, ConnectionConfig>>;
  readonly serverVersion?: number;
  readonly historySchema: string;
  readonly onFailure?: string;
  readonly onRecovery?: string;
}

const file = "aquifer.config.ts";

/**
 * Reads a project's `aquifer.config.ts`; the defaults where there is none.
 *
 * @throws AquiferError `unknown-setting` (naming the nearest known key), `bad-setting` or `bad-module`
 */
export async function loadConfig(projectRoot: string): Promise<ResolvedConfig> {
  if (!existsSync(join(projectRoot, file))) return resolveConfig({});
  // Loaded only where the file exists: the bundler costs every command some 50 ms.
  const { loadModules } = await import("./load-modules.js");
  const [module] = await loadModules(projectRoot, [file]);
  const config = module?.exports["default"];
  if (config === undefined) {
    throw new AquiferError("There is no default export", {
      code: "bad-setting",
      location: { file },
      hint: "Write: export default defineConfig({ ... });",
    });
  }
  return resolveConfig(config);
}

/** Checks a configuration object key by key. */
export function resolveConfig(config: unknown): ResolvedConfig {
  return SettingsReader.read(config, "config", { file }, (reader) => {
    const timeouts = reader.object("timeouts", (each) => ({
      compilation: duration(each, "compilation"),
      execution: duration(each, "execution"),
      statement: duration(each, "statement"),
      jit: duration(each, "jit"),
    }));
    return {
      ...defined({
        concurrency: reader.count("concurrency", 1, 1000),
        serverVersion: reader.count("serverVersion", 15, 99),
        onFailure: reader.text("onFailure"),
        onRecovery: reader.text("onRecovery"),
      }),
      timeouts: defined(timeouts ?? {}),
      auditBeforePublish: reader.flag("auditBeforePublish") ?? true,
      operations: operations(reader, { file }),
      connections: connections(reader, { file }),
      historySchema: reader.text("historySchema") ?? "aquifer",
    };
  });
}

/** The settings that the config holds for an operation, under its key or its name. */
export function operationConfig(config: ResolvedConfig, action: Action): OperationConfig | undefined {
  return config.operations[action.key] ?? config.operations[action.target.name];
}

/** False for an operation whose statements run each on its own. */
export function runsInTransaction(config: ResolvedConfig, action: Action): boolean {
  return operationConfig(config, action)?.transaction ?? action.settings.transaction ?? true;
}

/**
 * Refuses settings of operations that the project does not have: a misspelt name would have no effect in silence.
 *
 * @throws AquiferError `unknown-operation`, naming the nearest
 */
export function checkOperationNames(config: ResolvedConfig, graph: CompiledGraph): void {
  const known = (graph.operations ?? []).flatMap(({ target }) => [actionKey(target), target.name ?? ""]);
  for (const name of Object.keys(config.operations)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    throw new AquiferError(`config.operations: the project has no operation "${name}"`, {
      code: "unknown-operation",
      location: { file },
      ...(nearest === undefined ? {} : { hint: `Did you mean "${nearest}"?` }),
    });
  }
}

/** The environment variable that holds the URL of an operational database. */
export function urlVariable(config: Pick<ResolvedConfig, "connections">, connection: string): string {
  return config.connections[connection]?.env ?? defaultUrlVariable(connection);
}

/** The environment variable that says where the brokers of a connection are. */
export function brokerVariable(config: Pick<ResolvedConfig, "connections">, connection: string): string {
  return config.connections[connection]?.env ?? defaultBrokerVariable(connection);
}

function connections(reader: SettingsReader, source: SettingsFile): Record<string, ConnectionConfig> {
  const value = reader.any("connections") ?? {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw reader.refuse("connections", "an object of connections by name");
  }
  const entries = Object.entries(value).map(([name, settings]: [string, unknown]) => {
    const path = `config.connections.${name}`;
    const problem = connectionNameProblem(name);
    if (problem !== undefined)
      throw new AquiferError(`${path}: ${problem}`, { code: "bad-setting", location: { file } });
    const env = SettingsReader.read(settings, path, source, (each) => {
      const variable = each.text("env");
      if (variable === undefined) throw each.refuse("env", "the name of an environment variable");
      if (!/^[A-Za-z_]\w*$/.test(variable))
        throw new AquiferError(`${path}.env is no name of an environment variable`, {
          code: "bad-setting",
          location: { file },
          hint: "Name the variable that holds the URL; the URL itself, with its password, does not belong here.",
        });
      return variable;
    });
    return [name, { env }] as const;
  });
  return Object.fromEntries(entries);
}

function operations(reader: SettingsReader, source: SettingsFile): Record<string, OperationConfig> {
  const value = reader.any("operations") ?? {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw reader.refuse("operations", "an object of settings by the operation's name");
  }
  const entries = Object.entries(value).map(([name, settings]: [string, unknown]) => [
    name,
    SettingsReader.read(settings, `config.operations.${name}`, source, (each) =>
      defined({ statementTimeout: each.text("statementTimeout"), transaction: each.flag("transaction") }),
    ),
  ]);
  return Object.fromEntries(entries) as Record<string, OperationConfig>;
}

function duration(
  reader: SettingsReader,
  key: keyof NonNullable<AquiferConfig["timeouts"]>,
): number | undefined {
  const text = reader.text(key);
  return text === undefined ? undefined : parseDuration(text);
}

/** Without the keys whose value is undefined. */
function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
