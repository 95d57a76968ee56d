import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { writeCache } from "./write-cache.js";

interface Remembered {
  /** Digest of the file's text. */
  readonly text: string;
  readonly code: string;
}

/**
 * The JavaScript that core makes of each SQLX file, which depends on nothing but the file's text: kept in a file, so that
 * after one file changed the others are not translated again. Runs in the compiler's thread.
 */
export class SqlxCache {
  private readonly known: ReadonlyMap<string, Remembered>;
  private readonly used = new Map<string, Remembered>();
  private missed = 0;

  /** @param path a name that changes with all that decides the result beside the text */
  constructor(private readonly path: string) {
    this.known = read(path);
  }

  /** The JavaScript of a file, remembered or made now. */
  codeOf(file: string, text: string, translate: () => string): string {
    const digest = createHash("sha1").update(text).digest("base64");
    const known = this.known.get(file);
    const isSame = known?.text === digest;
    if (!isSame) this.missed += 1;
    const current = isSame ? known : { text: digest, code: translate() };
    this.used.set(file, current);
    return current.code;
  }

  /** Writes what was used. A few files more or less are not worth it: they are translated again each time. */
  write(): void {
    if (this.missed <= this.known.size / 20) return;
    writeCache(this.path, pieces([...this.used]));
  }
}

/** Serialised as a whole, the code of 10,000 files takes 60 MB more. */
const filesPerPiece = 500;

/** Bytes before each piece that tell its length. */
const lengthBytes = 4;

function* pieces(entries: readonly (readonly [string, Remembered])[]): Generator<Buffer> {
  for (let start = 0; start < entries.length; start += filesPerPiece) {
    const piece = serialize(entries.slice(start, start + filesPerPiece));
    const length = Buffer.alloc(lengthBytes);
    length.writeUInt32LE(piece.length);
    yield length;
    yield piece;
  }
}

function read(path: string): ReadonlyMap<string, Remembered> {
  const known = new Map<string, Remembered>();
  try {
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length;) {
      const start = at + lengthBytes;
      at = start + bytes.readUInt32LE(at);
      const entries = deserialize(bytes.subarray(start, at)) as (readonly [string, Remembered])[];
      for (const [file, remembered] of entries) known.set(file, remembered);
    }
    return known;
  } catch {
    // Not there, or not whole: as good as not there.
    return new Map();
  }
}
