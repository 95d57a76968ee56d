import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AquiferError, asError } from "../../base/errors.js";
import type { AvroOrigin } from "../../project/kafka-source.js";
import { avroFields, type AvroType } from "./avro-fields.js";
import { decodeJson, type DecodedValue, type DecodeValue } from "./decode-value.js";

/** Before the data: a zero byte and the number of the schema in the registry. */
const frameBytes = 5;
const openBrace = 0x7b;
const replacement = "\ufffd";

interface ReadableType extends AvroType {
  fromBuffer(bytes: Buffer): unknown;
}

/**
 * Makes what reads Avro values by the schemas of a source. Where they are framed as for a schema registry, a value that
 * begins as a JSON object is read as one.
 *
 * @throws AquiferError `bad-avro-schema`
 */
export async function avroDecoder(
  { schemas, framing }: AvroOrigin,
  projectRoot: string,
  source: string,
): Promise<DecodeValue> {
  const types = new Map<number | undefined, ReadableType>();
  for (const { id, file } of schemas) types.set(id, await readSchema(projectRoot, file, source));
  const common = types.get(undefined);
  if (framing === "none") return (value) => decode(common, value, "the source's schema");
  return (value) => {
    if (value[0] === openBrace) return decodeJson(value);
    if (value[0] !== 0 || value.length < frameBytes)
      return { error: "expected a zero byte and the number of a schema, then Avro; or a JSON object" };
    const id = value.readInt32BE(1);
    return decode(types.get(id) ?? common, value.subarray(frameBytes), `schema ${id}`);
  };
}

function decode(type: ReadableType | undefined, bytes: Buffer, name: string): DecodedValue {
  if (!type) return { error: `the source has no ${name}` };
  try {
    const fields = avroFields(type, type.fromBuffer(bytes));
    // avsc puts this character where bytes are no UTF-8.
    const isDoubtful = [...fields.values()].some((text) => text?.includes(replacement));
    return isDoubtful && !bytes.includes(replacement)
      ? { error: `expected Avro of ${name}, found a text that is no UTF-8` }
      : { fields };
  } catch (thrown) {
    return { error: `expected Avro of ${name}: ${asError(thrown).message}` };
  }
}

async function readSchema(projectRoot: string, file: string, source: string): Promise<ReadableType> {
  const fail = (what: string): AquiferError =>
    new AquiferError(`${file}: ${what}`, {
      code: "bad-avro-schema",
      hint: `Source ${source} reads it: a file of the project with the schema of a record in Avro's JSON.`,
    });
  const { default: avro } = await import("avsc");
  const { logicalTypes, longHook } = await import("./avro-logical-types.js");
  let type: AvroType;
  try {
    const schema = JSON.parse(await readFile(join(projectRoot, file), "utf8")) as Parameters<
      typeof avro.Type.forSchema
    >[0];
    type = avro.Type.forSchema(schema, { wrapUnions: "always", typeHook: longHook(), logicalTypes });
  } catch (thrown) {
    throw fail(asError(thrown).message);
  }
  if (type.typeName !== "record") throw fail(`it is a schema of ${type.typeName}, not of a record`);
  return type as ReadableType;
}
