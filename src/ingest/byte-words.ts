import { endianness } from "node:os";

/** Times a byte: a word that has it four times. */
export const everyByte = 0x01010101;

/** Elsewhere the bytes of a word stand in the other order: there each is looked at by itself. */
export const isLittleEndian = endianness() === "LE";

/** The highest bit of each byte of a word that is zero, exactly: no carry goes from one byte into the next. */
export function zeroBytes(word: number): number {
  return ~(((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word | 0x7f7f7f7f);
}

/** A buffer as little-endian words of four bytes. */
export interface Words {
  readonly words: Int32Array;
  /** How many bytes of the first word stand before the buffer. */
  readonly lead: number;
  /** Stands behind `words` for what fills no whole one. */
  readonly last: number;
}

export function wordsOf({ buffer, byteOffset, length }: Buffer): Words {
  const lead = byteOffset % 4;
  const words = new Int32Array(buffer, byteOffset - lead, (lead + length) >> 2);
  const rest = (lead + length) % 4;
  const bytes = new Uint8Array(buffer, byteOffset - lead + 4 * words.length, rest);
  return { words, lead, last: bytes.reduceRight((word, byte) => (word << 8) | byte, -1) };
}
