// Entry of the thread that proves the values of one large file; see prove-values.ts.
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { RecordScanner, type Dialect } from "./record-scanner.js";
import type { SourceColumn } from "../project/source-column.js";
import { ValueProof, type ProvenColumns } from "./value-proof.js";

export interface ProofTask {
  readonly path: string;
  /** Bytes before the text. */
  readonly skip: number;
  readonly dialect: Dialect;
  /** Records on lines up to this one are no data. */
  readonly headerLine: number;
  /** Names of the file's columns. */
  readonly order: readonly string[];
  readonly columns: readonly Pick<SourceColumn, "name" | "checks">[];
  readonly key: readonly string[];
}

/** What the thread sends. */
export interface ProofAnswer {
  readonly proven: ProvenColumns;
  /** How many records it saw; fewer where it gave up. */
  readonly rows: number;
}

const chunkBytes = 1024 * 1024;

parentPort?.postMessage(prove(workerData as ProofTask));

function prove({ path, skip, dialect, headerLine, order, columns, key }: ProofTask): ProofAnswer {
  const proof = new ValueProof(columns, order, key);
  let rows = 0;
  const scanner = new RecordScanner(dialect, (buffer, from, to, fields, line, irregular) => {
    if (line <= headerLine) return;
    rows++;
    if (fields !== order.length) return;
    if (irregular) proof.giveUp();
    else if (proof.wanted) proof.addRow(buffer, from, to, scanner.lengths);
  });
  const descriptor = openSync(path, "r");
  try {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (let at = skip; proof.wanted;) {
      const length = readSync(descriptor, chunk, 0, chunkBytes, at);
      if (length === 0) break;
      const text = chunk.subarray(0, length);
      // What is stored lacks it.
      if (text.includes(0)) proof.giveUp();
      scanner.push(text);
      at += length;
    }
    scanner.end();
  } finally {
    closeSync(descriptor);
  }
  return { proven: proof.proven, rows };
}
