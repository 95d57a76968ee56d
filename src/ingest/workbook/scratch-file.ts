import { createReadStream } from "node:fs";
import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const chunkBytes = 1024 * 1024;

/**
 * A file without a name for what is read more than once: it is gone with the process, however that ends. Made by the first
 * who asks.
 */
export class ScratchFile {
  private constructor(
    private readonly folder: string,
    private readonly handle: FileHandle,
  ) {}

  /** Bytes written so far. */
  length = 0;

  static async create(): Promise<ScratchFile> {
    const folder = await mkdtemp(join(tmpdir(), "aquifer-scratch-"));
    const handle = await open(join(folder, "scratch"), "wx+", 0o600);
    // Some systems keep the name of a file that is open.
    await rm(folder, { recursive: true }).catch(() => undefined);
    return new ScratchFile(folder, handle);
  }

  get fd(): number {
    return this.handle.fd;
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    if (end <= start) return;
    const options = { fd: this.fd, start, end: end - 1, autoClose: false, highWaterMark: chunkBytes };
    for await (const chunk of createReadStream("", options)) yield chunk as Buffer;
  }

  async close(): Promise<void> {
    await this.handle.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
