import type { Migration } from "../migrate.js";
import { run } from "./001-run.js";
import { ingest } from "./002-ingest.js";
import { expectedFiles } from "./003-expected-files.js";
import { declarations } from "./004-declarations.js";
import { ledgerIdentity } from "./005-ledger-identity.js";

/** All steps, oldest first. */
export const migrations: readonly Migration[] = [run, ingest, expectedFiles, declarations, ledgerIdentity];
