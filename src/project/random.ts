/**
 * Pseudo-random numbers that are the same on every machine for the same seed (sfc32 of PractRand, C. Doty-Humphrey;
 * seeded by splitmix32). Not for secrets.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: number) {
    let state = seed >>> 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    };
    [this.a, this.b, this.c] = [next(), next(), next()];
    for (let warmUp = 0; warmUp < 12; warmUp++) this.next();
  }

  /** Uniform in [0, 1), 32 bits. */
  next(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    this.c |= 0;
    return (sum >>> 0) / 4294967296;
  }

  /** Uniform integer, both ends included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items. */
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[Math.floor(this.next() * items.length)] ?? items[0];
  }

  /** Normally distributed (Box and Muller 1958). */
  normal(mean: number, deviation: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.next());
  }

  /** An independent stream, the same for the same label, whatever this one has been asked before. */
  static of(seed: number, label: string): Random {
    let hash = 0x811c9dc5 ^ seed;
    for (const byte of Buffer.from(label)) hash = Math.imul(hash ^ byte, 0x01000193);
    return new Random(hash);
  }
}

/** Draws items by weight in constant time: the alias method (Walker 1977, as Vose 1991 builds it). */
export class Weighted<T> {
  private readonly items: readonly T[];
  private readonly probability: Float64Array;
  private readonly alias: Uint32Array;

  constructor(weights: readonly (readonly [item: T, weight: number])[]) {
    if (weights.length === 0) throw new RangeError("Weighted needs at least one item");
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
    this.items = weights.map(([item]) => item);
    this.probability = new Float64Array(weights.length).fill(1);
    this.alias = new Uint32Array(weights.length);
    const scaled = weights.map(([, weight]) => (weight * weights.length) / total);
    const small = [...scaled.keys()].filter((index) => at(scaled, index) < 1);
    const large = [...scaled.keys()].filter((index) => at(scaled, index) >= 1);
    for (
      let low = small.pop(), high = large.pop();
      low !== undefined && high !== undefined;
      low = small.pop()
    ) {
      this.probability[low] = at(scaled, low);
      this.alias[low] = high;
      scaled[high] = at(scaled, high) + at(scaled, low) - 1;
      if (at(scaled, high) < 1) {
        small.push(high);
        high = large.pop();
      }
    }
  }

  draw(random: Random): T {
    const position = random.next() * this.items.length;
    const index = Math.floor(position);
    const chosen = position - index < (this.probability[index] ?? 1) ? index : (this.alias[index] ?? index);
    return this.items[chosen] as T;
  }
}

function at(numbers: readonly number[], index: number): number {
  return numbers[index] ?? 0;
}
