import { AquiferError } from "../base/errors.js";
import { maxRecordBytes, type RecordSink } from "./record-scanner.js";

const LF = 10;
const CR = 13;

/** Splits text into lines, each a record; blank ones are none. All are written anew, so all are irregular. */
export class LineScanner {
  private carried: Buffer = Buffer.alloc(0);

  /** @param countFields the number of fields to report of a line */
  constructor(
    private readonly sink: RecordSink,
    private readonly countFields: (line: Buffer) => number,
    private line = 1,
    private offset = 0,
  ) {}

  get consumed(): number {
    return this.offset;
  }

  get nextLine(): number {
    return this.line;
  }

  push(chunk: Buffer): void {
    const buffer = this.carried.length === 0 ? chunk : Buffer.concat([this.carried, chunk]);
    let start = 0;
    for (let end = buffer.indexOf(LF); end !== -1; end = buffer.indexOf(LF, start)) {
      this.record(buffer, start, end);
      this.line++;
      start = end + 1;
    }
    this.offset += start;
    this.carried = Buffer.from(buffer.subarray(start));
    if (this.carried.length > maxRecordBytes) {
      throw new AquiferError(`line ${this.line} is longer than ${maxRecordBytes / 1024 / 1024} MiB`, {
        code: "record-too-long",
        hint: "Put each record on a line of its own.",
      });
    }
  }

  end(): void {
    this.record(this.carried, 0, this.carried.length);
    this.carried = Buffer.alloc(0);
  }

  private record(buffer: Buffer, start: number, end: number): void {
    const last = buffer[end - 1] === CR && end > start ? end - 1 : end;
    const line = buffer.subarray(start, last);
    if (!isBlank(line)) this.sink(buffer, start, last, this.countFields(line), this.line, true);
  }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 32 || byte === 9);
}
