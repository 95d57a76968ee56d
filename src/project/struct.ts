/**
 * Protobuf's Struct in JSON form (`{ fields: { a: { stringValue: "x" } } }`) and plain JSON. Dataform stores
 * `metadata.extraProperties` as a Struct; projects may write either.
 */
export type PlainValue = null | string | number | boolean | readonly PlainValue[] | PlainObject;
export interface PlainObject {
  readonly [key: string]: PlainValue;
}

/** Plain JSON of either form. */
export function plainFromStruct(value: unknown): PlainObject {
  if (!isObject(value)) return {};
  const fields = structFields(value) ?? value;
  return mapValues(fields, plainValue);
}

/**
 * The Struct form of either form.
 *
 * @param form `message` is what core takes in a config; `json` is protobuf's JSON, which names null and leaves out what is
 * empty
 */
export function structFromPlain(value: unknown, form: "message" | "json" = "message"): Struct {
  return isObject(value) ? struct(plainFromStruct(value), form) : struct({}, form);
}

export interface Struct {
  readonly fields?: Readonly<Record<string, unknown>>;
}

function plainValue(value: unknown): PlainValue {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map(plainValue);
  if (!isObject(value)) throw new TypeError(`extraProperties cannot hold a ${typeof value}`);
  const keys = Object.keys(value);
  const [kind] = keys;
  if (keys.length === 1 && kind !== undefined && kind in valueKinds) {
    return valueKinds[kind]?.(value[kind]) ?? null;
  }
  return plainFromStruct(value);
}

const valueKinds: Readonly<Record<string, (value: unknown) => PlainValue>> = {
  nullValue: () => null,
  stringValue: plainValue,
  numberValue: plainValue,
  boolValue: plainValue,
  structValue: plainFromStruct,
  listValue: (value) => {
    const values = isObject(value) ? value["values"] : undefined;
    return Array.isArray(values) ? values.map(plainValue) : [];
  },
};

function struct(value: PlainObject, form: "message" | "json"): Struct {
  if (form === "json" && Object.keys(value).length === 0) return {};
  return { fields: mapValues(value, (each) => structValue(each, form)) };
}

function structValue(value: PlainValue, form: "message" | "json"): object {
  if (value === null) return { nullValue: form === "json" ? "NULL_VALUE" : 0 };
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "number") return { numberValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (!isList(value)) return { structValue: struct(value, form) };
  const values = value.map((each) => structValue(each, form));
  return { listValue: form === "json" && values.length === 0 ? {} : { values } };
}

/** The fields of a value in Struct form: its only key is `fields`, and all it holds are tagged values. */
function structFields(value: Record<string, unknown>): Record<string, unknown> | undefined {
  const fields = value["fields"];
  if (Object.keys(value).length !== 1 || !isObject(fields)) return undefined;
  const tagged = Object.values(fields).every((each) => {
    const keys = isObject(each) ? Object.keys(each) : [];
    return keys.length === 1 && keys[0] !== undefined && keys[0] in valueKinds;
  });
  return tagged ? fields : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: PlainValue): value is readonly PlainValue[] {
  return Array.isArray(value);
}

function mapValues<T, U>(object: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
