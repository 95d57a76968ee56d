/** The public API of Aquifer: what a project's `ingest/`, `reports/` and `aquifer.config.ts` import. */
export { AquiferError } from "./base/errors.js";
export {
  defineConfig,
  type AquiferConfig,
  type ConnectionConfig,
  type OperationConfig,
} from "./project/aquifer-config.js";
export { defineSource, type Freshness, type Source, type SourceOptions } from "./project/source.js";
export type { DatabaseCursor, DatabaseOptions } from "./project/database-source.js";
export type { AvroOptions, KafkaOptions } from "./project/kafka-source.js";
export type { ColumnOptions } from "./project/source-column.js";
export type { PeriodRule } from "./project/period-rule.js";
export {
  defineSample,
  type SampleCell,
  type SampleFile,
  type SampleItem,
  type SampleMessage,
  type SampleOptions,
  type SampleParquet,
  type SampleRequest,
  type SampleSheet,
  type SampleWorkbook,
  type SampleTable,
  type SampleTopic,
} from "./project/sample.js";
export { Random, Weighted } from "./project/random.js";
export * from "./report/page-api.js";
