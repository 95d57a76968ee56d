import { createHash, type Hash } from "node:crypto";
import type { Message } from "./message-source.js";

/** Adds all that makes a message the one that it is. */
export function hashMessage(hash: Hash, partition: number, { offset, timestamp, key, value }: Message): void {
  const head = Buffer.alloc(28);
  head.writeInt32BE(partition, 0);
  head.writeBigInt64BE(BigInt(offset), 4);
  head.writeDoubleBE(timestamp ?? -1, 12);
  head.writeInt32BE(key?.length ?? -1, 20);
  head.writeInt32BE(value?.length ?? -1, 24);
  hash.update(head);
  if (key) hash.update(key);
  if (value) hash.update(value);
}

/** By which a message is known again. */
export function messageDigest(partition: number, message: Message): string {
  const hash = createHash("sha256");
  hashMessage(hash, partition, message);
  return hash.digest("hex").slice(0, 32);
}
