import { AquiferError } from "../base/errors.js";
import { jsonFlaw } from "./json-flaw.js";
import { jsonFields } from "./json-fields.js";
import { maxRecordBytes, type RecordSink } from "./record-scanner.js";

const LF = 10;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** What may stand next, outside of values. */
type Expected =
  | "document"
  | "object"
  | "member or end"
  | "member"
  | "colon"
  | "member value"
  | "end of member"
  | "element or end"
  | "element"
  | "end of element"
  | "nothing";

const expectations: Readonly<Record<Expected, string>> = {
  document: "a document",
  object: "another object or the end of the file",
  "member or end": 'a name in quotes or "}"',
  member: "a name in quotes",
  colon: '":"',
  "member value": "a value",
  "end of member": '"," or "}"',
  "element or end": 'a value or "]"',
  element: "a value",
  "end of element": '"," or "]"',
  nothing: "the end of the file",
};

/**
 * Splits a JSON document into the elements of one array, each a record, without holding more of it than one value: the
 * array is the document, or stands inside of objects; or the document is objects one after another. What is not JSON is
 * an error with its place, since what follows cannot be trusted.
 */
export class JsonScanner {
  private readonly path: readonly string[];
  private carried: Buffer = Buffer.alloc(0);
  private expected: Expected = "document";
  /** Objects that are open on the way to the array. */
  private level = 0;
  private name = "";
  private isFound = false;
  private readonly otherNames = new Set<string>();
  /** The value that is being read, if one is. */
  private value: { kind: "name" | "record" | "other"; line: number; column: number } | undefined;
  private depth = 0;
  private isText = false;
  private isEscaped = false;
  private isScalar = false;
  private line = 1;
  private column = 1;

  /**
   * @param at names of the objects' members that lead to the array, joined by dots
   * @param sink told of each record; `fields` is 1 for an object and 0 for anything else
   * @param onKeys told of the names in each object
   */
  constructor(
    at: string | undefined,
    private readonly sink: RecordSink,
    private readonly onKeys: (keys: Iterable<string>) => void = () => undefined,
  ) {
    this.path = at === undefined ? [] : at.split(".");
  }

  /** The document is one whole: no stream may begin in its middle. */
  get consumed(): number {
    return 0;
  }

  get nextLine(): number {
    return this.line;
  }

  push(chunk: Buffer): void {
    const buffer = this.carried.length === 0 ? chunk : Buffer.concat([this.carried, chunk]);
    let start = 0;
    for (let position = this.carried.length; position < buffer.length;) {
      const byte = buffer[position] as number;
      if (this.value) {
        const end = this.valueEnd(byte, position);
        if (end !== undefined) this.endValue(buffer, start, end);
        // What ends a number or a word is no part of it.
        if (end === position) continue;
      } else if (byte !== LF && byte !== 32 && byte !== 9 && byte !== 13) {
        if (this.structure(byte)) start = position;
        // A number or a word may be one character long.
        if (this.value) this.beginValue(byte);
      }
      position++;
      this.advance(byte);
    }
    this.carried = this.value ? Buffer.from(buffer.subarray(start)) : Buffer.alloc(0);
    if (this.carried.length > maxRecordBytes) {
      throw new AquiferError(
        `line ${this.line}: a value is longer than ${maxRecordBytes / 1024 / 1024} MiB`,
        {
          code: "record-too-long",
          hint: "Name the array of the records as `at`.",
        },
      );
    }
  }

  end(): void {
    if (this.value && this.isScalar) this.endValue(this.carried, 0, this.carried.length);
    const isWhole = this.expected === "nothing" || this.expected === "object";
    if (this.value || !isWhole) {
      throw this.broken(this.line, this.column, expectations[this.expected], "the end of the file");
    }
    if (this.path.length > 0 && !this.isFound) {
      const found = [...this.otherNames].slice(0, 20).join(", ");
      throw notThere(`it has no ${this.path.join(".")}; it has ${found === "" ? "nothing" : found}`);
    }
  }

  private advance(byte: number): void {
    if (byte === LF) {
      this.line++;
      this.column = 1;
    } else if ((byte & 0xc0) !== 0x80) this.column++;
  }

  /** Takes a character outside of values; true when a value begins with it. */
  private structure(byte: number): boolean {
    const begin = (kind: "name" | "record" | "other"): true => {
      this.value = { kind, line: this.line, column: this.column };
      return true;
    };
    const isName = byte === QUOTE;
    switch (this.expected) {
      case "document":
        if (this.path.length === 0 && byte === OPEN_ARRAY) return this.go("element or end");
        if (this.path.length === 0 && byte === OPEN_OBJECT) return begin("record");
        if (byte === OPEN_OBJECT) return this.enter();
        if (byte === OPEN_ARRAY) throw notThere(`it is an array, without ${this.path.join(".")}`);
        break;
      case "object":
        if (byte === OPEN_OBJECT) return begin("record");
        break;
      case "member or end":
        if (byte === CLOSE_OBJECT) return this.leave();
        if (isName) return begin("name");
        break;
      case "member":
        if (isName) return begin("name");
        break;
      case "colon":
        if (byte === COLON) return this.go("member value");
        break;
      case "member value": {
        if (this.name !== this.path[this.level - 1]) {
          this.otherNames.add([...this.path.slice(0, this.level - 1), this.name].join("."));
          return begin("other");
        }
        const path = this.path.slice(0, this.level).join(".");
        if (this.level < this.path.length) {
          if (byte === OPEN_OBJECT) return this.enter();
          throw notThere(`its ${path} is no object`);
        }
        if (byte !== OPEN_ARRAY) throw notThere(`its ${path} is no array`);
        if (this.isFound) throw notThere(`its ${path} stands there twice`);
        this.isFound = true;
        return this.go("element or end");
      }
      case "end of member":
        if (byte === COMMA) return this.go("member");
        if (byte === CLOSE_OBJECT) return this.leave();
        break;
      case "element or end":
        if (byte === CLOSE_ARRAY) return this.endArray();
        if (!isPunctuation(byte)) return begin("record");
        break;
      case "element":
        if (!isPunctuation(byte)) return begin("record");
        break;
      case "end of element":
        if (byte === COMMA) return this.go("element");
        if (byte === CLOSE_ARRAY) return this.endArray();
        break;
      case "nothing":
        break;
    }
    throw this.broken(
      this.line,
      this.column,
      expectations[this.expected],
      JSON.stringify(String.fromCharCode(byte)),
    );
  }

  private go(expected: Expected): false {
    this.expected = expected;
    return false;
  }

  private enter(): false {
    this.level++;
    return this.go("member or end");
  }

  private leave(): false {
    this.level--;
    return this.go(this.level === 0 ? "nothing" : "end of member");
  }

  private endArray(): false {
    return this.go(this.level === 0 ? "nothing" : "end of member");
  }

  private beginValue(byte: number): void {
    this.depth = byte === OPEN_OBJECT || byte === OPEN_ARRAY ? 1 : 0;
    this.isText = byte === QUOTE;
    this.isScalar = this.depth === 0 && !this.isText;
    this.isEscaped = false;
  }

  /** Where the value ends, when it does at this byte. */
  private valueEnd(byte: number, position: number): number | undefined {
    if (this.isText) {
      if (this.isEscaped) this.isEscaped = false;
      else if (byte === BACKSLASH) this.isEscaped = true;
      else if (byte === QUOTE) {
        this.isText = false;
        if (this.depth === 0) return position + 1;
      }
      return undefined;
    }
    if (this.isScalar) return byte <= 32 || isPunctuation(byte) ? position : undefined;
    if (byte === QUOTE) this.isText = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.depth++;
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --this.depth === 0) return position + 1;
    return undefined;
  }

  private endValue(buffer: Buffer, start: number, end: number): void {
    const { value } = this;
    if (!value) return;
    this.value = undefined;
    const text = buffer.toString("utf8", start, end);
    const parsed = this.parse(text, value);
    if (value.kind === "name") {
      this.name = String(parsed);
      this.expected = "colon";
    } else if (value.kind === "other") this.expected = "end of member";
    else {
      this.expected =
        this.expected === "document" || this.expected === "object" ? "object" : "end of element";
      const fields = jsonFields(text);
      if (fields) this.onKeys(fields.keys());
      this.sink(buffer, start, end, fields ? 1 : 0, value.line, true);
    }
  }

  private parse(text: string, { line, column }: { line: number; column: number }): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      const position = jsonFlaw(text);
      const before = text.slice(0, position).split("\n");
      const inLine = Array.from(before.at(-1) ?? "").length;
      throw this.broken(
        line + before.length - 1,
        before.length > 1 ? inLine + 1 : column + inLine,
        "JSON",
        JSON.stringify(text.slice(position, position + 20)),
      );
    }
  }

  private broken(line: number, column: number, expected: string, found: string): AquiferError {
    return new AquiferError(`line ${line}, column ${column}: expected ${expected}, found ${found}`, {
      code: "bad-json",
      hint: "Correct the document, or copy it again: it may not have arrived whole.",
    });
  }
}

function isPunctuation(byte: number): boolean {
  return byte === COMMA || byte === COLON || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT;
}

function notThere(problem: string): AquiferError {
  return new AquiferError(problem, {
    code: "bad-json",
    hint: "Let `at` of the source name the array that holds the records.",
  });
}
