import { closeSync, createReadStream, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const chunkBytes = 1024 * 1024;

/**
 * A file without a name, for what was made of a file and is read more than once: it is gone with the process, however that
 * ends. It is made when it is first asked for.
 */
export class ScratchFile {
  private folder: string | undefined;
  private descriptor: number | undefined;

  /** Bytes written so far. */
  length = 0;

  get fd(): number {
    if (this.descriptor === undefined) {
      this.folder = mkdtempSync(join(tmpdir(), "aquifer-scratch-"));
      this.descriptor = openSync(join(this.folder, "scratch"), "wx+", 0o600);
      // Windows keeps the name of a file that is open.
      if (process.platform !== "win32") rmSync(this.folder, { recursive: true });
    }
    return this.descriptor;
  }

  /** The bytes from `start` up to, not including, `end`. */
  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    if (end <= start) return;
    const options = { fd: this.fd, start, end: end - 1, autoClose: false, highWaterMark: chunkBytes };
    for await (const chunk of createReadStream("", options)) yield chunk as Buffer;
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    if (this.folder !== undefined) rmSync(this.folder, { recursive: true, force: true });
    this.descriptor = undefined;
  }
}
