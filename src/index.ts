/** The public API of Aquifer: what a project's `ingest/`, `reports/` and `aquifer.config.ts` import. */
export { AquiferError } from "./base/errors.js";
export { defineConfig, type AquiferConfig, type OperationConfig } from "./project/aquifer-config.js";
