import type { Writer } from "../base/effects.js";

/** Milliseconds between two drawings. */
const interval = 100;

/** One line of a terminal that is overwritten while something runs; nothing where no person watches. */
export class ProgressLine {
  private drawnAt = -Infinity;
  private shown = false;

  constructor(
    private readonly writer: Writer,
    private readonly elapsed: () => number,
  ) {}

  /** Draws the line, unless it was drawn a moment ago. */
  show(text: () => string): void {
    if (!this.writer.isTerminal || this.elapsed() - this.drawnAt < interval) return;
    this.drawnAt = this.elapsed();
    this.shown = true;
    this.writer.write(`\r${text().slice(0, this.writer.columns - 1)}\x1b[K`);
  }

  /** Removes the line, before something else is written. */
  clear(): void {
    if (!this.shown) return;
    this.shown = false;
    this.drawnAt = -Infinity;
    this.writer.write("\r\x1b[K");
  }
}
