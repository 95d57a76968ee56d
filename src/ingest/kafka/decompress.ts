import { gunzipSync } from "node:zlib";
import { AquiferError } from "../../base/errors.js";

/** Most bytes that one batch of messages may unpack to. */
const maxBytes = 256 * 1024 * 1024;

const names = ["none", "gzip", "snappy", "lz4", "zstd"];

/**
 * Unpacks the records of a batch.
 *
 * @param codec as in the batch's attributes
 */
export function decompress(codec: number, bytes: Buffer): Buffer {
  if (codec === 0) return bytes;
  if (codec === 1) return gunzipSync(bytes, { maxOutputLength: maxBytes });
  const name = names[codec] ?? `codec ${codec}`;
  throw new AquiferError(`The messages are compressed with ${name}, which is not supported`, {
    code: "unknown-compression",
    hint: "Let the producer's, or the topic's, compression.type be gzip or none.",
  });
}
