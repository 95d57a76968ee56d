/** A type of avsc, as far as its values are read here. */
export interface AvroType {
  readonly typeName: string;
  readonly branchName?: string | undefined;
  readonly fields?: readonly { readonly name: string; readonly type: AvroType }[];
  readonly itemsType?: AvroType;
  readonly valuesType?: AvroType;
  /** Of a union. */
  readonly types?: readonly AvroType[];
}

/**
 * The fields of a record as text: numbers digit by digit, bytes as `bytea` writes them, nested values as JSON.
 *
 * @param record as avsc reads it, with its unions wrapped
 */
export function avroFields(type: AvroType, record: unknown): Map<string, string | null> {
  const values = record as Readonly<Record<string, unknown>>;
  return new Map((type.fields ?? []).map(({ name, type: own }) => [name, fieldText(own, values[name])]));
}

function fieldText(type: AvroType, value: unknown): string | null {
  if (value === null) return null;
  const branch = branchOf(type, value);
  if (branch) return fieldText(branch.type, branch.value);
  if (type.typeName === "float") return floatText(value as number);
  if (Buffer.isBuffer(value)) return `\\x${value.toString("hex")}`;
  if (isNested(type)) return jsonText(type, value);
  const scalar = value as string | number | bigint | boolean;
  return String(scalar);
}

/** Of a number that JSON has none for, and of bytes: a string. */
function jsonText(type: AvroType, value: unknown): string {
  if (value === null) return "null";
  const branch = branchOf(type, value);
  if (branch) return jsonText(branch.type, branch.value);
  const { fields, itemsType, valuesType } = type;
  if (itemsType) return `[${(value as unknown[]).map((item) => jsonText(itemsType, item)).join(",")}]`;
  if (fields || valuesType) {
    const values = value as Readonly<Record<string, unknown>>;
    const members = fields
      ? fields.map(({ name, type: own }) => [name, jsonText(own, values[name])] as const)
      : Object.entries(values).map(([name, each]) => [name, jsonText(valuesType as AvroType, each)] as const);
    return `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
  }
  const text = fieldText(type, value) ?? "null";
  const isBare = typeof value === "boolean" || typeof value === "bigint" || Number.isFinite(value);
  return isBare ? text : JSON.stringify(text);
}

function isNested({ fields, itemsType, valuesType }: AvroType): boolean {
  return (fields ?? itemsType ?? valuesType) !== undefined;
}

/** avsc wraps a union's value in an object with one member, named as the branch. */
function branchOf({ types }: AvroType, value: unknown): { type: AvroType; value: unknown } | undefined {
  if (!types) return undefined;
  const [[name, inner] = ["", null]] = Object.entries(value as object) as [string, unknown][];
  const type = types.find(({ branchName }) => branchName === name);
  return type && { type, value: inner };
}

/** The shortest digits that are this number in 32 bits. */
function floatText(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(value);
}
