import type { SourceColumn } from "../project/source-column.js";
import type { Checkpoint } from "./inspect-text.js";
import { RecordScanner, traits } from "./record-scanner.js";
import { Utf8Check } from "./text-encoding.js";
import { ValueProof, type ColumnPart } from "./value-proof.js";

/** What a part of a file is scanned by. */
export interface PlainTask {
  readonly delimiter: number;
  /** Names of the file's columns. */
  readonly order: readonly string[];
  readonly columns: readonly Pick<SourceColumn, "name" | "checks">[];
  readonly key: readonly string[];
  /** Records on lines up to this one are no data; 0 in all parts but the first. */
  readonly headerLine: number;
  /** Where the part begins in the file. */
  readonly offset: number;
}

/** What a part tells; rows and lines count from its own start. */
export interface PlainPart {
  readonly rows: number;
  readonly lines: number;
  /** `traits` of the records, of the first part without its header. */
  readonly met: number;
  /** Offset of the first record in the file. */
  readonly firstRecord: number;
  readonly checkpoints: readonly Checkpoint[];
  readonly proof: readonly ColumnPart[];
}

/**
 * Reads a part of a file as long as it is plain: UTF-8 without NUL, no quotes, every record of the expected fields on a line
 * of its own. Where it begins does not matter then, so that several parts can be read at once.
 *
 * @param chunks from the start of a line to the end of one
 * @returns undefined as soon as it turns out not to be plain
 */
export async function scanPlain(
  task: PlainTask,
  chunks: AsyncIterable<Buffer>,
): Promise<PlainPart | undefined> {
  const expected = task.order.length;
  const proof = new ValueProof(task.columns, task.order, task.key);
  const utf8 = new Utf8Check();
  const checkpoints: Checkpoint[] = [];
  let rows = 0;
  let firstRecord = 0;
  let isPlain = true;
  const scanner = new RecordScanner(
    { delimiter: task.delimiter, crOnly: false },
    (buffer, from, to, fields, line, irregular) => {
      if (line <= task.headerLine) return;
      if (++rows === 1) {
        firstRecord = scanner.consumed + from;
        // What stands above the first record is not copied.
        if (task.headerLine > 0) scanner.met = 0;
      }
      if (irregular || fields !== expected) isPlain = false;
      else if (proof.wanted) proof.addRow(buffer, from, to, scanner.lengths);
    },
    1,
    task.offset,
  );
  for await (const chunk of chunks) {
    utf8.push(chunk);
    scanner.push(chunk);
    isPlain &&= utf8.invalid === undefined && (scanner.met & traits.quote) === 0 && !chunk.includes(0);
    if (!isPlain) return undefined;
    checkpoints.push({ offset: scanner.consumed, rows, line: scanner.nextLine });
  }
  scanner.end();
  utf8.end();
  if (!isPlain || utf8.invalid) return undefined;
  return {
    ...{ rows, firstRecord, checkpoints, proof: proof.parts },
    lines: scanner.nextLine - 1,
    met: scanner.met,
  };
}
