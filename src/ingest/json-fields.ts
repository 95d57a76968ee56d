/**
 * The members of a JSON object as text: strings as they read, everything else in its own spelling, so that no number loses
 * a digit; `null` is null. Of a key that stands twice the last one counts. Undefined when the text is no JSON object.
 *
 * @example jsonFields('{"a": 1.10, "b": {"c": [2]}}') // Map { a: "1.10", b: '{"c": [2]}' }
 */
export function jsonFields(text: string): Map<string, string | null> | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith("{")) return undefined;
  try {
    JSON.parse(trimmed);
  } catch {
    return undefined;
  }
  // Valid from here on: only where members begin and end is left to find.
  const fields = new Map<string, string | null>();
  let position = skipBlanks(trimmed, 1);
  while (trimmed[position] !== "}") {
    const keyEnd = stringEnd(trimmed, position);
    const key = JSON.parse(trimmed.slice(position, keyEnd)) as string;
    const start = skipBlanks(trimmed, skipBlanks(trimmed, keyEnd) + 1);
    const end = valueEnd(trimmed, start);
    fields.set(key, valueText(trimmed.slice(start, end)));
    position = skipBlanks(trimmed, end);
    if (trimmed[position] === ",") position = skipBlanks(trimmed, position + 1);
  }
  return fields;
}

function valueText(json: string): string | null {
  if (json === "null") return null;
  return json.startsWith('"') ? (JSON.parse(json) as string) : json;
}

function skipBlanks(text: string, position: number): number {
  while (/\s/.test(text[position] ?? "")) position++;
  return position;
}

/** Past the closing quote of the string that begins at `position`. */
function stringEnd(text: string, position: number): number {
  let end = position + 1;
  while (text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
  return end + 1;
}

function valueEnd(text: string, start: number): number {
  if (text[start] === '"') return stringEnd(text, start);
  let depth = 0;
  let position = start;
  for (; position < text.length; position++) {
    const character = text[position] ?? "";
    if (character === '"') position = stringEnd(text, position) - 1;
    else if (character === "{" || character === "[") depth++;
    else if (depth > 0 && (character === "}" || character === "]")) {
      if (--depth === 0) return position + 1;
    } else if (depth === 0 && /[,}\s]/.test(character)) break;
  }
  return position;
}
