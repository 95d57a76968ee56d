import type { CoreSession } from "./core-host.js";
import { structFromPlain } from "./struct.js";

/**
 * Core takes a plain object for `metadata.extraProperties` in most configs, but on some (an incremental table with
 * `onSchemaChange`) only protobuf's own form; so it always gets that one.
 */
export function normaliseExtraProperties(session: CoreSession): void {
  const sqlxAction = session.sqlxAction.bind(session);
  session.sqlxAction = (action) => sqlxAction({ ...action, sqlxConfig: normalised(action.sqlxConfig) });
  const publish = session.publish.bind(session);
  session.publish = (name, config) => publish(name, isConfig(config) ? normalised(config) : config);
  const assert = session.assert.bind(session);
  session.assert = (name, config) => assert(name, isConfig(config) ? normalised(config) : config);
}

function normalised(config: Record<string, unknown>): Record<string, unknown> {
  const metadata = config["metadata"];
  if (!isConfig(metadata) || !isConfig(metadata["extraProperties"])) return config;
  return {
    ...config,
    metadata: { ...metadata, extraProperties: structFromPlain(metadata["extraProperties"]) },
  };
}

function isConfig(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The same for `actions.yaml`, whose content core takes from a module.
 *
 * @param compiled the module that core's compiler made: `exports.asJson = {...}`
 */
export function normaliseActionsYaml(compiled: string): string {
  const start = compiled.indexOf("{");
  if (!compiled.startsWith("exports.asJson") || start < 0) return compiled;
  const content = JSON.parse(compiled.slice(start)) as { actions?: unknown };
  if (!Array.isArray(content.actions)) return compiled;
  const actions = content.actions.map((action: unknown) =>
    isConfig(action)
      ? Object.fromEntries(
          Object.entries(action).map(([kind, config]) => [
            kind,
            isConfig(config) ? normalised(config) : config,
          ]),
        )
      : action,
  );
  return `exports.asJson = ${JSON.stringify({ ...content, actions })}`;
}
