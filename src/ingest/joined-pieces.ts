/** A write is worth its call from so many bytes on. */
const blockBytes = 64 * 1024;

/** What generators yield line by line, joined to blocks. */
export function* joinedPieces(pieces: Iterable<string | Uint8Array>): Generator<Buffer> {
  let text = "";
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    if (typeof piece === "string") {
      text += piece;
      if (text.length < blockBytes) continue;
    }
    if (text !== "") bytes += parts[parts.push(Buffer.from(text)) - 1]?.length ?? 0;
    text = "";
    if (typeof piece !== "string") bytes += parts[parts.push(piece) - 1]?.length ?? 0;
    if (bytes < blockBytes) continue;
    yield Buffer.concat(parts);
    [parts, bytes] = [[], 0];
  }
  yield Buffer.concat([...parts, Buffer.from(text)]);
}
