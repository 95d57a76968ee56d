import { UnpackedBytes } from "./unpacked-bytes.js";

/** How Java's library begins a stream of blocks; others send one block and nothing else. */
const javaMagic = Buffer.from("\x82SNAPPY\0", "latin1");

/**
 * Unpacks Snappy as Kafka's producers send it.
 *
 * https://github.com/google/snappy/blob/main/format_description.txt
 *
 * @throws RangeError when it is broken or unpacks to more than `most` bytes
 */
export function unpackSnappy(packed: Buffer, most: number): Buffer {
  const unpacked = new UnpackedBytes(most);
  if (!packed.subarray(0, javaMagic.length).equals(javaMagic)) {
    unpackBlock(packed, unpacked);
    return unpacked.whole();
  }
  // After the magic come two versions, then blocks, each behind its length.
  for (let position = javaMagic.length + 8; position < packed.length;) {
    const length = packed.readInt32BE(position);
    unpackBlock(packed.subarray(position + 4, position + 4 + length), unpacked);
    position += 4 + length;
  }
  return unpacked.whole();
}

function unpackBlock(block: Buffer, unpacked: UnpackedBytes): void {
  let position = 0;
  // The unpacked length, seven bits a byte: what comes tells it too.
  while ((block[position++] ?? 0) >= 0x80);
  while (position < block.length) {
    const tag = block.readUInt8(position++);
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const bytes = Math.max(0, short - 59);
      const length = 1 + (bytes === 0 ? short : block.readUIntLE(position, bytes));
      position += bytes;
      if (position + length > block.length) throw new RangeError("a literal is cut off");
      unpacked.addLiteral(block.subarray(position, position + length));
      position += length;
    } else if (kind === 1) {
      unpacked.addCopy(((tag >> 5) << 8) | block.readUInt8(position), 4 + ((tag >> 2) & 7));
      position += 1;
    } else {
      const bytes = kind === 2 ? 2 : 4;
      unpacked.addCopy(block.readUIntLE(position, bytes), 1 + (tag >> 2));
      position += bytes;
    }
  }
}
