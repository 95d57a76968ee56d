import type { CommandFactory } from "./command.js";

/** All commands by name, in the order of the help. Only the one that is asked for is loaded: loading all takes 0.3 s. */
export const commands: Readonly<Record<string, () => Promise<CommandFactory>>> = {
  init: async () => (await import("./init.js")).initCommand,
  "init-creds": async () => (await import("./init-creds.js")).initCredsCommand,
  install: async () => (await import("./install.js")).installCommand,
  sample: async () => (await import("./sample.js")).sampleCommand,
  ingest: async () => (await import("./ingest.js")).ingestCommand,
  compile: async () => (await import("./compile.js")).compileCommand,
  format: async () => (await import("./format.js")).formatCommand,
  check: async () => (await import("./check.js")).checkCommand,
  lineage: async () => (await import("./lineage.js")).lineageCommand,
  run: async () => (await import("./run.js")).runCommand,
  test: async () => (await import("./test.js")).testCommand,
  refresh: async () => (await import("./refresh.js")).refreshCommand,
  retry: async () => (await import("./retry.js")).retryCommand,
  show: async () => (await import("./show.js")).showCommand,
  prune: async () => (await import("./prune.js")).pruneCommand,
  freshness: async () => (await import("./freshness.js")).freshnessCommand,
  history: async () => (await import("./history.js")).historyCommand,
  report: async () => (await import("./report.js")).reportCommand,
  warehouse: async () => (await import("./warehouse.js")).warehouseCommand,
};
