import type { Checkpoint, Verbatim } from "./inspect-records.js";
import { Told } from "./told.js";

/** Whole records of a text, one behind another. */
export interface TextRange {
  /** Number of the first one. */
  readonly firstRow: number;
  /**
   * Offsets in the raw file between which its bytes lie, as they become known; the last may end at Infinity, which is the end of
   * the file.
   *
   * @throws Error when the text has turned out not to be as it began
   */
  readonly pieces: AsyncIterable<readonly [from: number, until: number]>;
}

/** Of a text: what each of two who copy it takes first. */
const firstShare = 0.45;
/** And what they take then, until nothing is left: so they end together, whichever is the faster one. */
const laterShare = 0.02;
const leastBytes = 2 * 1024 * 1024;

type Place = Pick<Checkpoint, "offset" | "rows">;

const endOfFile: Place = { offset: Infinity, rows: Infinity };

/** The records of a large text, in ranges that are handed out to those who copy them while it is still looked at. */
export class TextRanges {
  private readonly toldBegan = new Told<Verbatim>();
  /** Behind which offset each range ends, but the last one. */
  private readonly targets: readonly number[];
  /** Where ranges begin, as far as is known. */
  private readonly starts: Place[] = [];
  /** Up to where the text is as it began. */
  private reached = 0;
  private taken = 0;
  private state: "growing" | "whole" | "broken" = "growing";
  private change = new Told<void>();

  /**
   * @param bytes of the file
   */
  constructor(bytes: number) {
    const step = Math.max(leastBytes, laterShare * bytes);
    const rest = (1 - 2 * firstShare) * bytes;
    this.targets = [
      ...[firstShare, 2 * firstShare].map((share) => share * bytes),
      ...Array.from(
        { length: Math.floor(rest / step) },
        (_, index) => 2 * firstShare * bytes + (index + 1) * step,
      ),
    ];
  }

  /** What the first records have in common; undefined where they are not regular, or nobody looks any more. */
  get began(): Promise<Verbatim | undefined> {
    return this.toldBegan.promise;
  }

  /** Says how the records begin. */
  begin(verbatim: Verbatim): void {
    this.starts.push({ offset: verbatim.from, rows: 0 });
    this.reached = verbatim.from;
    this.toldBegan.say(verbatim);
  }

  /** Says that all records up to a place, where another one begins, are as the first ones. */
  reach({ offset, rows }: Checkpoint): void {
    this.reached = offset;
    while (offset >= (this.targets[this.starts.length - 1] ?? Infinity)) this.starts.push({ offset, rows });
    this.wake();
  }

  /**
   * Says that nobody looks any more; what is said later is not heard.
   *
   * @param isWhole whether all records up to the end of the file are as the first ones
   */
  end(isWhole: boolean): void {
    if (this.state !== "growing") return;
    this.state = isWhole ? "whole" : "broken";
    this.toldBegan.say(undefined);
    this.wake();
  }

  /**
   * A range that nobody has taken, as soon as it is known where it begins; undefined when there are none left.
   *
   * @throws Error when the text has turned out not to be as it began
   */
  async take(): Promise<TextRange | undefined> {
    await this.began;
    const index = this.taken++;
    for (;;) {
      this.refuseBroken();
      const start = this.starts[index];
      if (start) return { firstRow: start.rows + 1, pieces: this.piecesFrom(index, start) };
      if (this.state === "whole") return undefined;
      await this.change.promise;
    }
  }

  private async *piecesFrom(index: number, { offset }: Place): AsyncGenerator<readonly [number, number]> {
    for (let from = offset; ;) {
      this.refuseBroken();
      const end = this.starts[index + 1] ?? (this.state === "whole" ? endOfFile : undefined);
      const until = end?.offset ?? this.reached;
      if (until > from) yield [from, until];
      if (end) return;
      // While that was copied, more may have become known.
      if (until === from) await this.change.promise;
      from = until;
    }
  }

  private refuseBroken(): void {
    if (this.state === "broken") throw new Error("the text is not what it began as");
  }

  private wake(): void {
    this.change.say(undefined);
    this.change = new Told();
  }
}
