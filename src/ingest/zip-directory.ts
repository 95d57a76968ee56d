import { open, type FileHandle } from "node:fs/promises";
import { AquiferError } from "../base/errors.js";

/** A file inside a zip archive. */
export interface ZipMember {
  /** As written in the archive, with forward slashes. */
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly crc32: number;
  readonly packedBytes: number;
  readonly bytes: number;
  /** Where its packed bytes begin. */
  readonly offset: number;
}

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
const endBytes = 22;
const entryBytes = 46;
const localBytes = 30;
/** A size or offset that stands in a zip64 record. */
const inZip64 = 0xffffffff;

/**
 * The files of a zip archive by its central directory (APPNOTE 6.3.10, sections 4.3.12 and 4.3.16); folders, hidden files and
 * what macOS adds are left out.
 *
 * @param shown the archive's name for messages
 * @throws AquiferError `bad-archive`
 */
export async function readZipDirectory(path: string, shown: string): Promise<ZipMember[]> {
  const fail = (problem: string): AquiferError =>
    new AquiferError(`${shown}: ${problem}`, {
      code: "bad-archive",
      hint: "Pack it again, or unpack it by hand.",
    });
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const tail = await read(file, Math.max(0, size - endBytes - 0xffff), size);
    const at = lastIndexOf(tail, endSignature);
    if (at === -1) throw fail("is no zip archive, or did not arrive whole");
    const count = tail.readUInt16LE(at + 10);
    const length = tail.readUInt32LE(at + 12);
    const start = tail.readUInt32LE(at + 16);
    if (start === inZip64 || count === 0xffff) throw fail("is larger than 4 GB");
    if (start + length > size) throw fail("did not arrive whole");
    const directory = await read(file, start, start + length);
    const members: ZipMember[] = [];
    for (let position = 0, entry = 0; entry < count; entry++) {
      if (position + entryBytes > length || directory.readUInt32LE(position) !== entrySignature) {
        throw fail("has a broken directory");
      }
      const nameLength = directory.readUInt16LE(position + 28);
      const extra = directory.readUInt16LE(position + 30) + directory.readUInt16LE(position + 32);
      const name = directory.toString("utf8", position + entryBytes, position + entryBytes + nameLength);
      const member = {
        name: name.replaceAll("\\", "/"),
        method: directory.readUInt16LE(position + 10),
        crc32: directory.readUInt32LE(position + 16),
        packedBytes: directory.readUInt32LE(position + 20),
        bytes: directory.readUInt32LE(position + 24),
      };
      const encrypted = (directory.readUInt16LE(position + 8) & 1) === 1;
      const local = directory.readUInt32LE(position + 42);
      position += entryBytes + nameLength + extra;
      if (isLeftOut(member.name)) continue;
      if (escapes(member.name)) throw fail(`its member ${JSON.stringify(name)} leads out of the archive`);
      if (encrypted) throw fail(`its member ${member.name} is encrypted`);
      if (member.method !== 0 && member.method !== 8) {
        throw fail(`its member ${member.name} is packed by method ${member.method}`);
      }
      members.push({ ...member, offset: await dataOffset(file, local, fail) });
    }
    if (members.length === 0) throw fail("holds no file");
    return members;
  } finally {
    await file.close();
  }
}

/** The local header repeats the name, with an extra field of its own length. */
async function dataOffset(
  file: FileHandle,
  local: number,
  fail: (problem: string) => AquiferError,
): Promise<number> {
  const header = await read(file, local, local + localBytes);
  if (header.length < localBytes || header.readUInt32LE(0) !== localSignature)
    throw fail("has a broken directory");
  return local + localBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
}

function isLeftOut(name: string): boolean {
  return name.endsWith("/") || name.split("/").some((part) => part === "__MACOSX" || /^\.[^.]/.test(part));
}

function escapes(name: string): boolean {
  return name.startsWith("/") || /^[A-Za-z]:/.test(name) || name.split("/").includes("..");
}

async function read(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, end - start));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  return buffer.subarray(0, bytesRead);
}

function lastIndexOf(buffer: Buffer, signature: number): number {
  for (let position = buffer.length - endBytes; position >= 0; position--) {
    if (buffer.readUInt32LE(position) === signature) return position;
  }
  return -1;
}
