import { deflateRawSync } from "node:zlib";

/** A zip archive of these files, made by the format's description and not by the code under test. */
export function zipFile(
  members: Readonly<Record<string, string | Buffer>>,
  damage: { readonly crc?: number; readonly flags?: number; readonly stored?: boolean } = {},
): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(members)) {
    const bytes = Buffer.from(content);
    const packed = damage.stored === true ? bytes : deflateRawSync(bytes);
    const fields = (signature: number, made: number[]): Buffer =>
      Buffer.concat([
        uint32(signature),
        ...made.map(uint16),
        ...[20, damage.flags ?? 0, damage.stored === true ? 0 : 8, 0, 0].map(uint16),
        ...[damage.crc ?? crc32(bytes), packed.length, bytes.length].map(uint32),
        ...[Buffer.byteLength(name), 0].map(uint16),
      ]);
    const local = Buffer.concat([fields(0x04034b50, []), Buffer.from(name), packed]);
    const rest = Buffer.concat([...[0, 0, 0].map(uint16), ...[0, offset].map(uint32), Buffer.from(name)]);
    entries.push(Buffer.concat([fields(0x02014b50, [20]), rest]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.concat([
    uint32(0x06054b50),
    ...[0, 0, entries.length, entries.length].map(uint16),
    ...[directory.length, offset].map(uint32),
    uint16(0),
  ]);
  return Buffer.concat([...locals, directory, end]);
}

function uint16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return buffer;
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function crc32(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}
