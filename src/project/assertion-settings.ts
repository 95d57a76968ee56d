import { SettingsReader, type SettingsFile } from "./settings-reader.js";

/** How much may fail before an assertion does: a number of rows, or a share of the rows checked. */
export type Threshold = { readonly rows: number } | { readonly percent: number };

export interface AssertionSettings {
  /** `warn` reports and goes on; `fail` keeps what depends on it from running. */
  readonly severity: "warn" | "fail";
  readonly maxFailing: Threshold;
  /** Row conditions that are NULL fail too; Dataform's `NOT (condition)` lets them pass. */
  readonly strict: boolean;
  /** False keeps failing rows out of history, artifacts and the terminal: for tables with personal data. */
  readonly sample: boolean;
}

/** `extraProperties.aquifer` of an action. */
export interface AquiferSettings {
  /** Of a table: its inline assertions', by kind; of a standalone assertion: its own under `all`. */
  readonly assertions: Readonly<Record<"nonNull" | "uniqueKey" | "rowConditions", AssertionSettings>>;
  readonly all: AssertionSettings;
  /** Overrides the project's `auditBeforePublish` for this table. */
  readonly auditBeforePublish?: boolean;
  /** PostgreSQL's `statement_timeout` of this action, such as `10min`. */
  readonly statementTimeout?: string;
  /** Runs each statement of an operation on its own, for those that PostgreSQL refuses in a transaction (`vacuum`). */
  readonly transaction?: boolean;
}

const standard: AssertionSettings = {
  severity: "fail",
  maxFailing: { rows: 0 },
  strict: false,
  sample: true,
};

export const defaultAquiferSettings: AquiferSettings = {
  assertions: { nonNull: standard, uniqueKey: standard, rowConditions: standard },
  all: standard,
};

/**
 * Checks and types `extraProperties.aquifer`.
 *
 * @example
 * // in a table's config block
 * metadata: { extraProperties: { aquifer: { assertions: { severity: "warn", nonNull: { maxFailing: "0.5%" } } } } }
 */
export function readAquiferSettings(value: unknown, source: SettingsFile): AquiferSettings {
  if (value === undefined) return defaultAquiferSettings;
  return SettingsReader.read(value, "extraProperties.aquifer", source, (reader) => {
    const all = readAssertion(reader, standard);
    const assertions = reader.object("assertions", (inner) => {
      const base = readAssertion(inner, all);
      const of = (kind: string): AssertionSettings =>
        inner.object(kind, (each) => readAssertion(each, base)) ?? base;
      return { nonNull: of("nonNull"), uniqueKey: of("uniqueKey"), rowConditions: of("rowConditions") };
    });
    const auditBeforePublish = reader.flag("auditBeforePublish");
    const statementTimeout = reader.text("statementTimeout");
    const transaction = reader.flag("transaction");
    return {
      all,
      assertions: assertions ?? { nonNull: all, uniqueKey: all, rowConditions: all },
      ...(auditBeforePublish === undefined ? {} : { auditBeforePublish }),
      ...(statementTimeout === undefined ? {} : { statementTimeout }),
      ...(transaction === undefined ? {} : { transaction }),
    };
  });
}

function readAssertion(reader: SettingsReader, base: AssertionSettings): AssertionSettings {
  return {
    severity: reader.oneOf("severity", ["warn", "fail"]) ?? base.severity,
    maxFailing: readThreshold(reader) ?? base.maxFailing,
    strict: reader.flag("strict") ?? base.strict,
    sample: reader.flag("sample") ?? base.sample,
  };
}

function readThreshold(reader: SettingsReader): Threshold | undefined {
  const value = reader.any("maxFailing");
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return { rows: value };
  const percent = typeof value === "string" ? /^(\d+(?:\.\d+)?)\s*%$/.exec(value)?.[1] : undefined;
  if (percent !== undefined && Number(percent) <= 100) return { percent: Number(percent) };
  throw reader.refuse("maxFailing", 'a whole number of rows or a share such as "0.5%"');
}

/** True when `failed` of `checked` rows is more than the threshold allows. */
export function exceedsThreshold(threshold: Threshold, failed: number, checked: number): boolean {
  if ("rows" in threshold) return failed > threshold.rows;
  return failed > 0 && failed * 100 > threshold.percent * checked;
}

/** `10 rows`, `0.5%`. */
export function formatThreshold(threshold: Threshold): string {
  return "rows" in threshold ? `${threshold.rows} rows` : `${threshold.percent}%`;
}
