import { AquiferError } from "../base/errors.js";
import { nearestName } from "../base/nearest-name.js";
import { excerpt, type SourceLocation } from "../base/source-location.js";
import { findKey } from "./find-text.js";

/** The file that settings stand in; with its text, errors name the line too. */
export interface SettingsFile {
  readonly file: string;
  readonly text?: string | undefined;
}

/**
 * Reads untyped settings (JSON that a user wrote) into typed ones: every key must be known and of the right form; an
 * unknown one is an error that names the nearest known one.
 */
export class SettingsReader {
  private readonly unread: Set<string>;

  private constructor(
    private readonly path: string,
    private readonly values: Readonly<Record<string, unknown>>,
    private readonly source: SettingsFile,
  ) {
    this.unread = new Set(Object.keys(values));
  }

  /** @param path how the user would name this object, such as `extraProperties.postgres` */
  static read<T>(value: unknown, path: string, source: SettingsFile, body: (reader: SettingsReader) => T): T {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw wrongForm(path, "an object", value, source);
    }
    const reader = new SettingsReader(path, value as Record<string, unknown>, source);
    const known = new Set<string>();
    reader.known = known;
    const result = body(reader);
    for (const key of reader.unread) {
      const nearest = nearestName(key, known);
      throw new AquiferError(`Unknown setting ${path}.${key}`, {
        code: "unknown-setting",
        ...placeOf(key, source),
        hint: nearest === undefined ? `Known here: ${[...known].join(", ")}.` : `Did you mean "${nearest}"?`,
      });
    }
    return result;
  }

  private known = new Set<string>();

  text(key: string): string | undefined {
    return this.take(key, "a text", (value) =>
      typeof value === "string" && value !== "" ? value : undefined,
    );
  }

  flag(key: string): boolean | undefined {
    return this.take(key, "true or false", (value) => (typeof value === "boolean" ? value : undefined));
  }

  /** A whole number within bounds. */
  count(key: string, minimum: number, maximum: number): number | undefined {
    return this.take(key, `a whole number from ${minimum} to ${maximum}`, (value) =>
      typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum
        ? value
        : undefined,
    );
  }

  oneOf<const T extends string>(key: string, allowed: readonly T[]): T | undefined {
    return this.take(key, `one of ${allowed.map((each) => `"${each}"`).join(", ")}`, (value) =>
      allowed.find((each) => each === value),
    );
  }

  /** A list of texts; a single text is a list of one. */
  texts(key: string): readonly string[] | undefined {
    return this.take(key, "a list of texts", (value) => {
      const list: unknown[] = Array.isArray(value) ? value : [value];
      return list.length > 0 && list.every((each) => typeof each === "string" && each !== "")
        ? (list as string[])
        : undefined;
    });
  }

  /** The value as it is, for what `take`s no simple form. */
  any(key: string): unknown {
    this.known.add(key);
    this.unread.delete(key);
    return this.values[key];
  }

  object<T>(key: string, body: (reader: SettingsReader) => T): T | undefined {
    const value = this.any(key);
    return value === undefined
      ? undefined
      : SettingsReader.read(value, `${this.path}.${key}`, this.source, body);
  }

  objects<T>(key: string, body: (reader: SettingsReader) => T): readonly T[] | undefined {
    const value = this.any(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value))
      throw wrongForm(`${this.path}.${key}`, "a list of objects", value, this.source);
    return value.map((each, index) =>
      SettingsReader.read(each, `${this.path}.${key}[${index}]`, this.source, body),
    );
  }

  /** Refuses this object with a reason of the caller's. */
  refuse(key: string, expected: string): AquiferError {
    return wrongForm(`${this.path}.${key}`, expected, this.values[key], this.source);
  }

  private take<T>(key: string, expected: string, convert: (value: unknown) => T | undefined): T | undefined {
    const value = this.any(key);
    if (value === undefined) return undefined;
    const converted = convert(value);
    if (converted === undefined) throw wrongForm(`${this.path}.${key}`, expected, value, this.source);
    return converted;
  }
}

function wrongForm(path: string, expected: string, found: unknown, source: SettingsFile): AquiferError {
  return new AquiferError(`${path} must be ${expected}, found ${JSON.stringify(found) ?? "nothing"}`, {
    code: "bad-setting",
    ...placeOf(path.replace(/^.*\.|\[\d+\]$/g, ""), source),
  });
}

function placeOf(key: string, { file, text }: SettingsFile): { location: SourceLocation; excerpt?: string } {
  const location = findKey(text, file, key);
  if (text === undefined || location?.line === undefined) return { location: { file } };
  return { location, excerpt: excerpt(text, location.line, location.column) };
}
