import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Random } from "../src/project/random.js";

export const meterColumns = ["id", "customer", "city", "read_at", "kwh", "amount", "status", "note"] as const;

export interface MeterFile {
  readonly rows: number;
  /** One row in ten has stray quotes, one in three another line end. */
  readonly repaired?: boolean;
  /** The unique ids stand in no order. */
  readonly shuffled?: boolean;
}

/** Writes a CSV of invented readings, the same at each time. */
export async function writeMeters(path: string, file: MeterFile): Promise<void> {
  await pipeline(Readable.from(lines(file)), createWriteStream(path));
}

/** Has no divisor in common with the numbers of rows. */
const step = 1_000_003;

function* lines({ rows, repaired = false, shuffled = false }: MeterFile): Generator<string> {
  const random = new Random(1);
  yield `${meterColumns.join(",")}\n`;
  for (let row = 0, block = ""; row < rows; row++) {
    const isStray = repaired && row % 10 === 0;
    const id = String(shuffled ? (row * step) % rows : row).padStart(8, "0");
    const note = isStray
      ? `pipa 5" dan ${random.integer(1, 9)}"`
      : `reading ${random.integer(1000, 9999)} ok`;
    const end = repaired && row % 3 === 0 ? "\r\n" : "\n";
    block += `M${id},C${random.integer(1e6, 9e6)},Kota ${random.integer(10, 99)},2026-01-${random.integer(10, 28)}T0${random.integer(0, 9)}:00:00Z,${(random.next() * 100).toFixed(2)},${random.integer(1e4, 9e5)},active,${note}${end}`;
    if (block.length > 1 << 20 || row === rows - 1) {
      yield block;
      block = "";
    }
  }
}
