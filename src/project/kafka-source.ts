import type { SourceOptions } from "./source.js";
import type { Failure } from "./source-failure.js";
import { refuseUnknown } from "./source-failure.js";

/** A topic of Kafka as the source of rows, in place of files. */
export interface KafkaOptions {
  /**
   * Name of the cluster, in lower snake case. Where its brokers are is the value of an environment variable:
   * `<NAME>_KAFKA_URL`, unless `connections` in `aquifer.config.ts` names another one.
   */
  readonly connection: string;
  readonly topic: string;
  /** Values are Avro. Default: JSON objects. */
  readonly avro?: AvroOptions;
  /** Most messages that one batch takes; what is left comes in the next one of the same ingest. Default: 1,000,000. */
  readonly maxRecords?: number;
  /** Most bytes of keys and values that one batch takes, but for the last message. Default: 1 GiB. */
  readonly maxBytes?: number;
}

/** How Avro values are read: no schema registry is asked. */
export interface AvroOptions {
  /**
   * A schema that the values were written with: a file of the project; or for each number that the registry has given to a
   * schema its file, and then values of other numbers are rejects.
   *
   * @example "ingest/click.avsc"
   * @example { 7: "ingest/click-7.avsc", 12: "ingest/click-12.avsc" }
   */
  readonly schema: string | Readonly<Record<number, string>>;
  /**
   * `registry`: each value begins with a zero byte and the number of its schema in four bytes; one that begins as a JSON
   * object is read as that. `none`: only the data. Default: `registry`.
   */
  readonly framing?: "registry" | "none";
}

/** The schemas of a source, each with the number that the registry knows it by; undefined for any. */
export interface AvroOrigin {
  readonly schemas: readonly { readonly id: number | undefined; readonly file: string }[];
  readonly framing: "registry" | "none";
}

/** Where the rows of a source come from, when that is a topic. */
export interface KafkaOrigin {
  readonly connection: string;
  readonly topic: string;
  readonly avro: AvroOrigin | undefined;
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** The environment variable that says where the brokers of a connection are, unless the project names another one. */
export function defaultBrokerVariable(connection: string): string {
  return `${connection.toUpperCase()}_KAFKA_URL`;
}

/** Options that say nothing about a topic: an offset is loaded once, and no message stands for others. */
const useless = [
  "files",
  "database",
  "format",
  "header",
  "delimiter",
  "footer",
  "period",
  "nameColumns",
] as const;

/** Checks the options of a source that reads a topic, with the defaults filled in. */
export function kafkaOrigin(options: SourceOptions, kafka: KafkaOptions, fail: Failure): KafkaOrigin {
  const known = ["connection", "topic", "avro", "maxRecords", "maxBytes"];
  for (const key of Object.keys(kafka)) refuseUnknown(key, known, "option of kafka", fail);
  for (const key of useless)
    if (options[key] !== undefined) throw fail(`${key} says nothing about a topic`, "Leave it out.");
  const { connection, topic } = kafka;
  if (typeof connection !== "string" || !/^[a-z][a-z0-9_]*$/.test(connection))
    throw fail(`${JSON.stringify(connection)} is not the name of a connection; use lower snake case`);
  if (typeof topic !== "string" || !/^[A-Za-z0-9._-]{1,249}$/.test(topic))
    throw fail(`topic is ${JSON.stringify(topic)}`, "Use letters, digits, dots, underscores and hyphens.");
  if (options.reload !== undefined && options.reload !== "append")
    throw fail(
      `reads a topic, but its reload is "${options.reload}"`,
      "Leave reload out: messages are added.",
    );
  const { maxRecords = 1_000_000, maxBytes = 1024 ** 3 } = kafka;
  for (const [name, value] of Object.entries({ maxRecords, maxBytes }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw fail(`kafka.${name} is ${JSON.stringify(value)}`, "Use a whole number above 0.");
  return { connection, topic, avro: kafka.avro && avroOrigin(kafka.avro, fail), maxRecords, maxBytes };
}

function avroOrigin(avro: AvroOptions, fail: Failure): AvroOrigin {
  for (const key of Object.keys(avro))
    refuseUnknown(key, ["schema", "framing"], "option of kafka.avro", fail);
  const { schema, framing = "registry" } = avro;
  if (!["registry", "none"].includes(framing))
    throw fail(`kafka.avro.framing is ${JSON.stringify(framing)}`, "Use registry or none.");
  const schemas =
    typeof schema === "string"
      ? [{ id: undefined, file: schema }]
      : Object.entries(schema ?? {}).map(([id, file]) => ({ id: Number(id), file }));
  const isRight = ({ id, file }: (typeof schemas)[number]): boolean =>
    typeof file === "string" && file !== "" && (id === undefined || (Number.isInteger(id) && id >= 0));
  if (schemas.length === 0 || !schemas.every(isRight))
    throw fail(
      `kafka.avro.schema is ${JSON.stringify(schema)}`,
      "Name a file of the project, or for each number of the registry its file.",
    );
  if (framing === "none" && typeof schema !== "string")
    throw fail("kafka.avro has schemas by number, but values without a number", "Name one file as schema.");
  return { schemas, framing };
}
