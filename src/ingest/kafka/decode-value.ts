import { isUtf8 } from "node:buffer";
import { jsonFields } from "../json-fields.js";
import { jsonFlaw } from "../json-flaw.js";

/** What a message's value holds: its fields as text by name, or why it cannot be read. */
export type DecodedValue =
  | { readonly fields: ReadonlyMap<string, string | null>; readonly error?: undefined }
  | { readonly fields?: undefined; readonly error: string };

/** Reads the value of a message. */
export type DecodeValue = (value: Buffer) => DecodedValue;

/** Reads JSON: an object, whose numbers keep every digit; nested values are JSON text. */
export function decodeJson(value: Buffer): DecodedValue {
  if (!isUtf8(value)) return { error: "expected JSON, found bytes that are no UTF-8 text" };
  const text = value.toString();
  const fields = jsonFields(text);
  if (fields) return { fields };
  const trimmed = text.trim();
  if (trimmed === "") return { error: "expected a JSON object, found nothing" };
  try {
    JSON.parse(trimmed);
  } catch {
    const found = text.slice(jsonFlaw(text), jsonFlaw(text) + 20);
    return {
      error: `expected JSON, found ${found === "" ? "its end" : JSON.stringify(found)} at character ${jsonFlaw(text) + 1}`,
    };
  }
  return { error: "expected a JSON object, found another value" };
}
