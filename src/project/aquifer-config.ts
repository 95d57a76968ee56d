/** What stands in `aquifer.config.ts`: settings that Dataform's own files have no key for. Every key is optional. */
export interface AquiferConfig {
  /** How many actions run at once; by default what the server can bear. */
  readonly concurrency?: number;
  readonly timeouts?: {
    /** Of `compile`, such as "30s". */
    readonly compilation?: string;
    /** Of a whole `run`, such as "2h". */
    readonly execution?: string;
    /** PostgreSQL's `statement_timeout` of every action. */
    readonly statement?: string;
    /** Of compiling one just-in-time action. */
    readonly jit?: string;
  };
  /** Checks a table's assertions on its new version before readers see it; on unless set to false. */
  readonly auditBeforePublish?: boolean;
  /** Settings of operations, which take no `metadata` in their own config, by `name` or `schema.name`. */
  readonly operations?: Readonly<Record<string, OperationConfig>>;
  /** Operational databases and Kafka clusters that sources read, by name: which environment variable holds the URL of each. */
  readonly connections?: Readonly<Record<string, ConnectionConfig>>;
  /** Major version of the server, such as 18, where it cannot be asked (`check` without a connection). */
  readonly serverVersion?: number;
  /** Schema that holds the history of runs; `aquifer` unless said. */
  readonly historySchema?: string;
  /** Shell command to start when a run fails; it gets the run's result in `AQUIFER_RUN_RESULT` (path of a JSON file). */
  readonly onFailure?: string;
  /** Shell command to start when a run succeeds after one that failed. */
  readonly onRecovery?: string;
}

export interface ConnectionConfig {
  /**
   * Name of the environment variable that holds `postgres://...` or `kafka://...`; `<NAME>_DATABASE_URL` or
   * `<NAME>_KAFKA_URL` unless said.
   */
  readonly env: string;
}

export interface OperationConfig {
  /** PostgreSQL's `statement_timeout` of this operation, such as "10min". */
  readonly statementTimeout?: string;
  /** `false` runs each statement on its own, for those PostgreSQL refuses in a transaction (`vacuum`). */
  readonly transaction?: boolean;
}

/**
 * The typed form of `aquifer.config.ts`.
 *
 * @example
 * // aquifer.config.ts
 * import { defineConfig } from "aquifer";
 * export default defineConfig({ concurrency: 4, timeouts: { execution: "2h" } });
 */
export function defineConfig(config: AquiferConfig): AquiferConfig {
  return config;
}
