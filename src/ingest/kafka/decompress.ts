import * as zlib from "node:zlib";
import { AquiferError, asError } from "../../base/errors.js";
import { unpackLz4 } from "./unpack-lz4.js";
import { unpackSnappy } from "./unpack-snappy.js";

/** Most bytes that one batch of messages may unpack to. */
const most = 256 * 1024 * 1024;

type Unpack = (packed: Buffer, most: number) => Buffer;

/** Node has it from 22.15 on; the types are those of 20. */
const { zstdDecompressSync: unpackZstd } = zlib as {
  readonly zstdDecompressSync?: (packed: Buffer, options: { maxOutputLength: number }) => Buffer;
};

/** By the number in a batch's attributes. */
const codecs: readonly { readonly name: string; readonly unpack: Unpack | undefined }[] = [
  { name: "none", unpack: (bytes) => bytes },
  { name: "gzip", unpack: (packed) => zlib.gunzipSync(packed, { maxOutputLength: most }) },
  { name: "snappy", unpack: unpackSnappy },
  { name: "lz4", unpack: unpackLz4 },
  { name: "zstd", unpack: unpackZstd && ((packed) => unpackZstd(packed, { maxOutputLength: most })) },
];

/**
 * Unpacks the records of a batch.
 *
 * @param codec as in the batch's attributes
 * @throws AquiferError `unknown-compression`, `bad-message`
 */
export function decompress(codec: number, packed: Buffer): Buffer {
  const { name, unpack } = codecs[codec] ?? { name: `codec ${codec}`, unpack: undefined };
  if (!unpack) {
    throw new AquiferError(
      `The messages are compressed with ${name}, which Node ${process.versions.node} cannot unpack`,
      {
        code: "unknown-compression",
        hint: `${name === "zstd" ? "Use Node 22.15 or later, or let" : "Let"} the producer's, or the topic's, compression.type be gzip, snappy, lz4 or none.`,
      },
    );
  }
  try {
    return unpack(packed, most);
  } catch (thrown) {
    throw new AquiferError(
      `A batch of messages cannot be unpacked with ${name}: ${asError(thrown).message}`,
      {
        code: "bad-message",
        hint: `The batch was not loaded. One batch may unpack to ${most / 1024 / 1024} MiB at most.`,
        cause: thrown,
      },
    );
  }
}
