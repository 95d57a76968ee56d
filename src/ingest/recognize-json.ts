import { AquiferError } from "../base/errors.js";
import type { Source } from "../project/source.js";
import { jsonFields } from "./json-fields.js";
import { JsonScanner } from "./json-scanner.js";
import { LineScanner } from "./line-scanner.js";
import { describeMatch, headerlessMatch, matchHeader } from "./match-header.js";
import type { Recognition } from "./recognize-text.js";

/** What the start of a file holds. */
interface JsonStart {
  readonly keys: ReadonlySet<string>;
  readonly objects: number;
  readonly first: string;
}

/**
 * Whether the objects of a file are those of a source. Keys may come later than in the first ones, so only one of them is
 * asked for here.
 *
 * @param head the first bytes as UTF-8, without byte order mark, cut anywhere
 * @param isWhole the head is the whole file
 */
export function recognizeJson(source: Source, head: Buffer, isWhole: boolean): Recognition {
  const format = source.format === "json" ? "json" : "ndjson";
  let start: JsonStart;
  try {
    start = format === "json" ? readDocument(source, head, isWhole) : readLines(head, isWhole);
  } catch (thrown) {
    if (!(thrown instanceof AquiferError)) throw thrown;
    return { fits: false, explanation: thrown.message };
  }
  const { keys, objects, first } = start;
  const isEmpty = format === "json" && objects === 0 && isWhole && first === "";
  if (objects === 0 && !isEmpty) {
    const explanation =
      format === "json"
        ? "no JSON object is complete in its first 64 kB"
        : "none of the first lines is a JSON object";
    return { fits: false, explanation };
  }
  const header = isEmpty ? headerlessMatch(source) : matchHeader(source, [...keys]);
  if (header.found.length === 0) {
    const arrays = format === "json" ? arraysIn(JSON.parse(first) as unknown) : [];
    const hint = arrays.length === 0 ? "" : `; an array stands at ${arrays.join(" and at ")}, for \`at\``;
    return {
      fits: false,
      explanation: `its objects have none of the columns: ${[...keys].join(", ")}${hint}`,
    };
  }
  const found = format === "ndjson" ? "a JSON object on each line" : "JSON objects";
  const where = source.at === undefined ? "" : ` at ${source.at}`;
  return {
    fits: true,
    shape: {
      format,
      delimiter: 44,
      crOnly: false,
      headerLine: 0,
      header,
      ...(source.at === undefined ? {} : { at: source.at }),
    },
    explanation: isEmpty ? `an empty JSON array${where}` : `${found}${where}: ${describeMatch(header)}`,
  };
}

function readLines(head: Buffer, isWhole: boolean): JsonStart {
  const keys = new Set<string>();
  let objects = 0;
  const count = (line: Buffer): number => {
    const fields = jsonFields(line.toString());
    for (const key of fields?.keys() ?? []) keys.add(key);
    return (objects += fields ? 1 : 0);
  };
  const scanner = new LineScanner(() => undefined, count);
  scanner.push(head);
  if (isWhole) scanner.end();
  return { keys, objects, first: "" };
}

function readDocument({ at }: Source, head: Buffer, isWhole: boolean): JsonStart {
  const keys = new Set<string>();
  let objects = 0;
  let first = "";
  const scanner = new JsonScanner(
    at,
    (buffer, start, end, fields) => {
      objects += fields;
      if (first === "") first = buffer.toString("utf8", start, end);
    },
    (found) => {
      for (const key of found) keys.add(key);
    },
  );
  try {
    scanner.push(head);
    if (isWhole) scanner.end();
  } catch (thrown) {
    // What breaks later is no question of the columns: reading the whole file tells it.
    if (objects === 0) throw thrown;
  }
  return { keys, objects, first };
}

/** Where arrays of objects stand in an object, by their names joined by dots. */
function arraysIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
    Array.isArray(member) ? [name] : arraysIn(member).map((path) => `${name}.${path}`),
  );
}
