import { UnpackedBytes } from "./unpacked-bytes.js";

const magic = 0x184d2204;

/**
 * Unpacks a frame of LZ4. Its checksums are left to the one of the batch that holds it.
 *
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 *
 * @throws RangeError when it is broken or unpacks to more than `most` bytes
 */
export function unpackLz4(frame: Buffer, most: number): Buffer {
  if (frame.readUInt32LE(0) !== magic) throw new RangeError("no frame of LZ4");
  const flags = frame.readUInt8(4);
  const hasChecksums = (flags & 0x10) !== 0;
  const sizeBytes = (flags & 0x08) === 0 ? 0 : 8;
  const dictionaryBytes = (flags & 0x01) === 0 ? 0 : 4;
  const unpacked = new UnpackedBytes(most);
  // Magic, flags, largest block, what the flags announce, a checksum of these.
  for (let position = 7 + sizeBytes + dictionaryBytes; ;) {
    const size = frame.readUInt32LE(position);
    if (size === 0) return unpacked.whole();
    const start = position + 4;
    const length = size & 0x7fffffff;
    const block = frame.subarray(start, start + length);
    if (block.length < length) throw new RangeError("a block is cut off");
    if (size >= 0x80000000) unpacked.addLiteral(block);
    else unpackBlock(block, unpacked);
    position = start + length + (hasChecksums ? 4 : 0);
  }
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
function unpackBlock(block: Buffer, unpacked: UnpackedBytes): void {
  let position = 0;
  const lengthFrom = (short: number): number => {
    let length = short;
    if (short === 15) {
      let more: number;
      do {
        more = block.readUInt8(position++);
        length += more;
      } while (more === 255);
    }
    return length;
  };
  while (position < block.length) {
    const token = block.readUInt8(position++);
    const literal = lengthFrom(token >> 4);
    if (position + literal > block.length) throw new RangeError("a literal is cut off");
    unpacked.addLiteral(block.subarray(position, position + literal));
    position += literal;
    // The last sequence of a block has no copy.
    if (position === block.length) return;
    const back = block.readUInt16LE(position);
    position += 2;
    unpacked.addCopy(back, 4 + lengthFrom(token & 15));
  }
}
