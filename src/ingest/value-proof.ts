import { DistinctValues } from "./distinct-values.js";
import type { ColumnChecks, ColumnType, SourceColumn } from "../project/source-column.js";

/** Columns of a file whose every value was seen to pass, so that the server need not be asked. */
export interface ProvenColumns {
  /** All checks but `unique`. */
  readonly rules: ReadonlySet<string>;
  /** No value stands twice. */
  readonly unique: ReadonlySet<string>;
}

export const nothingProven: ProvenColumns = { rules: new Set(), unique: new Set() };

/**
 * Judges values while a file is read, by their bytes. A value in one of the forms below surely passes its checks; of any
 * other nothing is said, and the server, which alone decides what is wrong, is asked about its column.
 */
export class ValueProof {
  private readonly columns: readonly (ColumnProof | undefined)[];
  /** False when there is nothing left to prove. */
  wanted: boolean;

  /**
   * @param columns of the source
   * @param order names of the file's columns
   * @param key when it is a single column, its values stand once as well
   */
  constructor(
    columns: readonly Pick<SourceColumn, "name" | "checks">[],
    order: readonly string[],
    key: readonly string[],
  ) {
    this.columns = order.map((name) => {
      const column = columns.find((each) => each.name === name);
      const isKey = key.length === 1 && key[0] === name;
      return column && (isKey || hasChecks(column.checks))
        ? new ColumnProof(name, isKey ? { ...column.checks, unique: true } : column.checks)
        : undefined;
    });
    this.wanted = this.columns.some((column) => column !== undefined);
  }

  /**
   * @param lengths of the fields' texts, -1 for NULL
   */
  addRow(buffer: Buffer, start: number, end: number, lengths: Int32Array): void {
    const { columns } = this;
    let position = start;
    for (let index = 0; index < columns.length; index++) {
      const length = lengths[index] as number;
      const fieldEnd = length > 0 ? position + length : position;
      columns[index]?.add(buffer, position, fieldEnd);
      position = fieldEnd + 1;
    }
    // Quotes are not of a text's length: the fields stood elsewhere.
    if (position !== end + 1) this.giveUp();
  }

  /** What was added was not all, or not what will be stored. */
  giveUp(): void {
    for (const column of this.columns) column?.giveUp();
    this.wanted = false;
  }

  get proven(): ProvenColumns {
    const names = (isProven: (column: ColumnProof) => boolean): Set<string> =>
      new Set(this.columns.flatMap((column) => (column && isProven(column) ? [column.name] : [])));
    return { rules: names(({ passes }) => passes), unique: names(({ isUnique }) => isUnique) };
  }
}

function hasChecks({ required, type, domain, unique }: ColumnChecks): boolean {
  return required === true || type !== undefined || domain !== undefined || unique === true;
}

type Form = (buffer: Buffer, start: number, end: number) => boolean;

class ColumnProof {
  private readonly required: boolean;
  private readonly forms: readonly Form[];
  private readonly once: ValuesOnce | undefined;
  passes: boolean;

  constructor(
    readonly name: string,
    { required, type, domain, pattern, unique }: ColumnChecks,
  ) {
    this.required = required === true;
    this.forms = [
      ...(type === undefined || type === "text" ? [] : [sureForms[type]]),
      ...(domain === undefined ? [] : [oneOf(domain)]),
    ];
    this.passes = pattern === undefined;
    this.once = unique === true ? new ValuesOnce() : undefined;
  }

  get isUnique(): boolean {
    return this.once?.holds === true;
  }

  add(buffer: Buffer, start: number, end: number): void {
    if (this.passes) this.passes = this.judge(buffer, start, end);
    if (end > start) this.once?.add(buffer, start, end);
  }

  giveUp(): void {
    this.passes = false;
    this.once?.giveUp();
  }

  private judge(buffer: Buffer, start: number, end: number): boolean {
    if (end === start) return !this.required;
    // A value of blanks alone counts as none.
    if (buffer[start] === 32) return false;
    for (const form of this.forms) if (!form(buffer, start, end)) return false;
    return true;
  }
}

/** After so many values in order they are no longer kept in mind otherwise. */
const surelyOrdered = 1000;

/** Whether no value stands twice: they stand in order, as most keys do, or each is looked up among those before. */
class ValuesOnce {
  private readonly order = new ValueOrder();
  private readonly distinct = new DistinctValues();
  private count = 0;

  get holds(): boolean {
    return this.order.holds || this.distinct.holds;
  }

  add(buffer: Buffer, start: number, end: number): void {
    this.order.add(buffer, start, end);
    if (this.count++ === surelyOrdered && this.order.holds) this.distinct.giveUp();
    this.distinct.add(buffer, start, end);
  }

  giveUp(): void {
    this.order.giveUp();
    this.distinct.giveUp();
  }
}

/** Whether each value comes after the one before: by its bytes, or the shorter first, as numbers without zeros do. */
class ValueOrder {
  private last = Buffer.alloc(64);
  private lastLength = 0;
  private byBytes = true;
  private byLength = true;

  get holds(): boolean {
    return this.byBytes || this.byLength;
  }

  add(buffer: Buffer, start: number, end: number): void {
    if (!this.holds) return;
    const { last, lastLength } = this;
    const length = end - start;
    if (length > last.length) {
      this.giveUp();
      return;
    }
    let same = 0;
    while (same < length && same < lastLength && last[same] === buffer[start + same]) same++;
    const isAfter =
      same === lastLength
        ? length > lastLength
        : same < length && (buffer[start + same] as number) > (last[same] as number);
    if (!isAfter) this.byBytes = false;
    if (length < lastLength || (length === lastLength && !isAfter)) this.byLength = false;
    for (let index = same; index < length; index++) last[index] = buffer[start + index] as number;
    this.lastLength = length;
  }

  giveUp(): void {
    this.byBytes = this.byLength = false;
  }
}

const [ZERO, MINUS, DOT, COLON] = [48, 45, 46, 58];

/** Of each type forms that PostgreSQL takes, whatever its settings. */
const sureForms: Readonly<Record<Exclude<ColumnType, "text">, Form>> = {
  integer: (buffer, start, end) => isNumber(buffer, start, end, 9, false),
  bigint: (buffer, start, end) => isNumber(buffer, start, end, 18, false),
  numeric: (buffer, start, end) => isNumber(buffer, start, end, 100, true),
  boolean: oneOf(["true", "false", "t", "f", "yes", "no", "on", "off", "1", "0"]),
  date: (buffer, start, end) => end - start === 10 && isDate(buffer, start),
  timestamp: (buffer, start, end) => {
    const hasZone = end - start === 20 && buffer[end - 1] === 90;
    if (end - start !== 19 && !hasZone) return false;
    const mark = buffer[start + 10];
    if (mark !== 32 && mark !== 84) return false;
    if (buffer[start + 13] !== COLON || buffer[start + 16] !== COLON) return false;
    return (
      isDate(buffer, start) &&
      isUpTo(twoDigits(buffer, start + 11), 23) &&
      isUpTo(twoDigits(buffer, start + 14), 59) &&
      isUpTo(twoDigits(buffer, start + 17), 59)
    );
  },
};

function isNumber(buffer: Buffer, start: number, end: number, most: number, hasPoint: boolean): boolean {
  let position = buffer[start] === MINUS ? start + 1 : start;
  if (position === end || end - position > most) return false;
  let points = hasPoint ? 0 : 1;
  for (const first = position; position < end; position++) {
    const byte = buffer[position] as number;
    if (byte >= ZERO && byte <= 57) continue;
    if (byte !== DOT || points++ > 0 || position === first || position === end - 1) return false;
  }
  return true;
}

const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** `YYYY-MM-DD` of a day that exists in every year. */
function isDate(buffer: Buffer, start: number): boolean {
  if (buffer[start + 4] !== MINUS || buffer[start + 7] !== MINUS) return false;
  const [century, year] = [twoDigits(buffer, start), twoDigits(buffer, start + 2)];
  const month = twoDigits(buffer, start + 5);
  const day = twoDigits(buffer, start + 8);
  return (
    century >= 0 && year >= 0 && century + year > 0 && day > 0 && isUpTo(day, daysOfMonth[month - 1] ?? 0)
  );
}

/** -1 for anything else. */
function twoDigits(buffer: Buffer, at: number): number {
  const tens = (buffer[at] as number) - ZERO;
  const ones = (buffer[at + 1] as number) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

function isUpTo(number: number, most: number): boolean {
  return number >= 0 && number <= most;
}

function oneOf(texts: readonly string[]): Form {
  const values = texts.map((text) => Buffer.from(text));
  return (buffer, start, end) => {
    for (const value of values) {
      if (value.length !== end - start) continue;
      let at = 0;
      while (at < value.length && value[at] === buffer[start + at]) at++;
      if (at === value.length) return true;
    }
    return false;
  };
}
