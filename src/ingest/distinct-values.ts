/** Most values: the table then takes 64 MB. */
const mostValues = 4 * 1024 * 1024;

/** Slots of the first table; a power of two, as all are. */
const firstSlots = 4096;

/**
 * Whether values are all different, in bounded memory: hashes of 64 bits are kept, not values. Different hashes are of
 * different values, so what is said to hold does; two equal hashes, of whatever values, and too many values end it.
 */
export class DistinctValues {
  /** Two words a slot; a slot of zeros is free. */
  private table = new Int32Array(2 * firstSlots);
  private count = 0;
  holds = true;

  constructor(private readonly most = mostValues) {}

  add(buffer: Buffer, start: number, end: number): void {
    if (!this.holds) return;
    if (this.count === this.most) {
      this.giveUp();
      return;
    }
    // Multiplicative hashes of two words with the constants and the finish of MurmurHash3 (Austin Appleby, public domain).
    let high = 0x3c074a61 ^ (end - start);
    let low = 0x75bcd15;
    for (let position = start; position < end; position++) {
      const byte = buffer[position] as number;
      high = Math.imul(high ^ byte, 0x85ebca6b);
      high ^= high >>> 15;
      low = Math.imul(low ^ byte, 0xc2b2ae35);
      low ^= low >>> 13;
    }
    high = Math.imul(high ^ (high >>> 16), 0x85ebca6b);
    high ^= high >>> 13;
    low = Math.imul(low ^ (low >>> 16), 0xc2b2ae35);
    low ^= low >>> 16;
    if (high === 0 && low === 0) low = 1;
    if (insert(this.table, high, low)) this.count++;
    else this.giveUp();
    if (4 * this.count > this.table.length) this.grow();
  }

  giveUp(): void {
    this.holds = false;
    this.table = new Int32Array();
  }

  private grow(): void {
    const { table } = this;
    const larger = new Int32Array(2 * table.length);
    for (let at = 0; at < table.length; at += 2) {
      const [high = 0, low = 0] = [table[at], table[at + 1]];
      if (high !== 0 || low !== 0) insert(larger, high, low);
    }
    this.table = larger;
  }
}

/** False when the two words are there already. At least half of the slots are free. */
function insert(table: Int32Array, high: number, low: number): boolean {
  const mask = table.length - 2;
  for (let at = (low << 1) & mask; ; at = (at + 2) & mask) {
    const [knownHigh, knownLow] = [table[at] as number, table[at + 1] as number];
    if (knownHigh === 0 && knownLow === 0) {
      table[at] = high;
      table[at + 1] = low;
      return true;
    }
    if (knownHigh === high && knownLow === low) return false;
  }
}
