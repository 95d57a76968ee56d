/** Bytes that a decompressor puts together, of literals and of copies of what is there already. */
export class UnpackedBytes {
  private bytes = Buffer.allocUnsafe(64 * 1024);
  private length = 0;

  /** @param most so many bytes; more are a `RangeError` */
  constructor(private readonly most: number) {}

  addLiteral(literal: Buffer): void {
    this.reserve(literal.length);
    literal.copy(this.bytes, this.length);
    this.length += literal.length;
  }

  /** Bytes from `back` before the end on; where they are more than that, what is written on the way counts too. */
  addCopy(back: number, count: number): void {
    if (back < 1 || back > this.length) throw new RangeError("a copy of bytes before the start");
    this.reserve(count);
    const { bytes } = this;
    for (let end = this.length + count; this.length < end; this.length++)
      bytes[this.length] = bytes[this.length - back] as number;
  }

  whole(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.most) throw new RangeError(`more than ${this.most} bytes`);
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.min(this.most, Math.max(needed, 2 * this.bytes.length)));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
