import avro, { type Schema, type Type } from "avsc";

const { types } = avro;

/** 64-bit integers digit by digit: avsc's own refuses those that JavaScript's numbers cannot hold. */
const exactLong = types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: (value: number) => BigInt(value),
  toJSON: Number,
  isValid: (value: unknown) => typeof value === "bigint",
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

/** Has avsc take `exactLong` for every `long` of one schema, also in object form and below a logical type. */
export function longHook(): (schema: Schema) => Type | undefined {
  const begun = new WeakSet<object>();
  return (schema) => {
    if (typeof schema !== "object" || !("type" in schema) || schema.type !== "long") return undefined;
    // The hook is asked for a logical type first, and then for what it is made of.
    const isLogical = "logicalType" in schema && schema.logicalType in logicalTypes && !begun.has(schema);
    begun.add(schema);
    return isLogical ? undefined : exactLong;
  };
}

type LogicalTypeClass = new (schema: Schema) => InstanceType<typeof types.LogicalType>;

/** A logical type whose values are read as the text that PostgreSQL's type of that meaning reads. */
function textType(toText: (value: never, schema: { readonly scale?: number }) => string): LogicalTypeClass {
  return class TextType extends types.LogicalType {
    private readonly attributes: { readonly scale?: number };

    constructor(schema: Schema, options?: unknown) {
      super(schema, options);
      this.attributes = schema as { readonly scale?: number };
    }

    protected override _fromValue(value: never): string {
      return toText(value, this.attributes);
    }
  };
}

const dayMs = 86_400_000;
const dayMicros = 86_400_000_000n;

function dateText(days: number): string {
  const date = new Date(days * dayMs);
  // What PostgreSQL does not read as a date stays a number, which its cast refuses.
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1) return String(days);
  return date.toISOString().replace(/^\+0*|T.*$/g, "");
}

/** Of the day, without zeros at the end of the seconds. */
function timeText(microseconds: bigint): string {
  const seconds = microseconds / 1_000_000n;
  const parts = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n];
  const fraction = String(microseconds % 1_000_000n)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return `${parts.map((each) => String(each).padStart(2, "0")).join(":")}${fraction === "" ? "" : `.${fraction}`}`;
}

/** With `+00` for an instant, without for a time stamp that has no zone. */
function timestampText(microseconds: bigint, zone: string): string {
  const days = microseconds / dayMicros - (microseconds % dayMicros < 0n ? 1n : 0n);
  return `${dateText(Number(days))} ${timeText(microseconds - days * dayMicros)}${zone}`;
}

/** Two's complement, the highest byte first. */
function decimalText(bytes: Buffer, { scale = 0 }: { readonly scale?: number }): string {
  const unscaled =
    bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ""}`;
}

/** The logical types whose values get a form of their own; `uuid` is text already, others stay what they are made of. */
export const logicalTypes: Readonly<Record<string, LogicalTypeClass>> = {
  date: textType(dateText),
  decimal: textType(decimalText),
  "time-millis": textType((value: number) => timeText(BigInt(value) * 1000n)),
  "time-micros": textType(timeText),
  "timestamp-millis": textType((value: bigint) => timestampText(value * 1000n, "+00")),
  "timestamp-micros": textType((value: bigint) => timestampText(value, "+00")),
  "local-timestamp-millis": textType((value: bigint) => timestampText(value * 1000n, "")),
  "local-timestamp-micros": textType((value: bigint) => timestampText(value, "")),
};
