import { readFileSync } from "node:fs";
import { join, sep } from "node:path";
import type { SourceLocation } from "../base/source-location.js";
import { lineColumnAt, offsetAt } from "../base/text-position.js";
import { alignSqlx, sourceOffset } from "./sqlx-alignment.js";
import { parseSqlx } from "./sqlx.js";
import { tagTemplates, untaggedOffset } from "./tagged-templates.js";

/**
 * Where in the project an error arose, by V8's stack: the first frame in a file of the project, or the place of a
 * syntax error, which stands above the stack. Lines of compiled SQLX are led back to the file's own.
 *
 * @param compile core's compiler
 */
export function errorPlace(
  projectRoot: string,
  stack: string,
  compile: (code: string, path: string) => string,
): SourceLocation | undefined {
  const lines = stack.split("\n");
  const syntaxError = parsePlace(projectRoot, lines[0] ?? "");
  const caret = (lines[2] ?? "").indexOf("^");
  const frames = lines.filter((line) => /^\s+at /.test(line)).map((line) => parsePlace(projectRoot, line));
  const place =
    syntaxError?.line !== undefined && caret >= 0
      ? { ...syntaxError, column: caret + 1 }
      : frames.find((frame) => frame !== undefined);
  return place && (place.file.endsWith(".sqlx") ? sqlxPlace(projectRoot, place, compile) : place);
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

function parsePlace(projectRoot: string, line: string): Place | undefined {
  const start = line.indexOf(projectRoot + sep);
  if (start < 0) return undefined;
  const [, path = "", row, column] = /^(.*?):(\d+)(?::(\d+))?\)?$/.exec(line.slice(start)) ?? [];
  const file = path.slice(projectRoot.length + 1).replaceAll(sep, "/");
  // Core, and a checkout of Aquifer itself, may lie inside the project.
  if (!/^(definitions|includes|tests\/models)\//.test(file) && !/^[^/]+\.(json|ya?ml|js)$/.test(file))
    return undefined;
  return { file, line: Number(row), column: Number(column ?? 1) };
}

function sqlxPlace(
  projectRoot: string,
  place: Place,
  compile: (code: string, path: string) => string,
): SourceLocation {
  const source = readFileSync(join(projectRoot, place.file), "utf8");
  const compiled = compile(source, place.file);
  const alignment = alignSqlx(parseSqlx(source), compiled);
  if (alignment === undefined) return { file: place.file };
  const { code, insertions } = tagTemplates(place.file, source, compiled);
  const offset = sourceOffset(alignment, compiled, untaggedOffset(insertions, offsetAt(code, place)));
  return offset === undefined ? { file: place.file } : { file: place.file, ...lineColumnAt(source, offset) };
}
