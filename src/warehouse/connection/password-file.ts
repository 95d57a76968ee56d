import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

export interface PasswordQuestion {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** `~/.pgpass`, or its place on Windows. */
export function defaultPasswordFile(env: Readonly<Record<string, string | undefined>>): string {
  return process.platform === "win32"
    ? join(env["APPDATA"] ?? homedir(), "postgresql", "pgpass.conf")
    : join(env["HOME"] ?? homedir(), ".pgpass");
}

/**
 * Looks a password up as libpq does (https://www.postgresql.org/docs/current/libpq-pgpass.html): the first line that fits
 * counts; a file that others may read is not used.
 */
export async function passwordFromFile(
  file: string,
  question: PasswordQuestion,
): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  if (process.platform !== "win32" && (found.mode & 0o077) !== 0) return undefined;
  return passwordIn(await readFile(file, "utf8"), question);
}

export function passwordIn(text: string, question: PasswordQuestion): string | undefined {
  const host = question.host.startsWith("/") ? "localhost" : question.host;
  const wanted = [host, String(question.port), question.database, question.user];
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    const fields = splitFields(line);
    if (fields.length < 5) continue;
    if (wanted.every((value, index) => fields[index] === "*" || fields[index] === value)) return fields[4];
  }
  return undefined;
}

/** Fields are separated by colons; a backslash takes the next character as it is. The fifth field ends the line. */
function splitFields(line: string): string[] {
  const fields = [""];
  for (const [character = ""] of line.matchAll(/\\[^]|[^]/g)) {
    if (character === ":" && fields.length < 5) fields.push("");
    else fields.push((fields.pop() ?? "") + character.replace(/^\\([^])/, "$1"));
  }
  return fields;
}
