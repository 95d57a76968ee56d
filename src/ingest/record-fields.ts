import { closingQuote } from "./record-scanner.js";

const QUOTE = 34;
const doubled = Buffer.from('""');

/**
 * The fields of one record as the scanner understands it, as bytes. An empty unquoted field is `null`, as in PostgreSQL's
 * CSV.
 */
export function recordFields(record: Buffer, delimiter: number): (Buffer | null)[] {
  const fields: (Buffer | null)[] = [];
  let position = 0;
  for (;;) {
    const quoted = record[position] === QUOTE ? closingQuote(record, position, delimiter, true) : undefined;
    const closed = quoted !== undefined && quoted.end !== -1;
    const textEnd = record.indexOf(delimiter, closed ? quoted.end + 1 : position);
    const end = textEnd === -1 ? record.length : textEnd;
    if (closed) {
      const inside = unescape(record.subarray(position + 1, quoted.end));
      const rest = record.subarray(quoted.end + 1, end);
      fields.push(rest.length === 0 ? inside : Buffer.concat([inside, rest]));
    } else {
      fields.push(end === position ? null : record.subarray(position, end));
    }
    if (textEnd === -1) return fields;
    position = end + 1;
  }
}

/** A record that PostgreSQL's CSV reads as these fields, delimited like the file, without a line end. */
export function writeRecord(fields: readonly (Buffer | null)[], delimiter: number): Buffer {
  let most = fields.length;
  for (const field of fields) most += 2 + 2 * (field?.length ?? 0);
  const out = Buffer.allocUnsafe(most);
  let length = 0;
  for (const [index, field] of fields.entries()) {
    if (index > 0) out[length++] = delimiter;
    if (field === null) continue;
    out[length++] = QUOTE;
    for (const byte of field) {
      if (byte === QUOTE) out[length++] = QUOTE;
      out[length++] = byte;
    }
    out[length++] = QUOTE;
  }
  return out.subarray(0, length);
}

/** Each `""` becomes `"`; a lone one stays. */
function unescape(field: Buffer): Buffer {
  if (!field.includes(doubled)) return field;
  const out = Buffer.allocUnsafe(field.length);
  let length = 0;
  for (let position = 0; position < field.length; position++) {
    out[length++] = field[position] as number;
    if (field[position] === QUOTE && field[position + 1] === QUOTE) position++;
  }
  return out.subarray(0, length);
}
