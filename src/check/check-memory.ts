import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageVersion } from "../base/package-version.js";
import type { Columns } from "./read-columns.js";
import { writeWhole } from "../base/write-whole.js";

/**
 * What the last check of a project found, so that the next one judges only what changed and what reads something that
 * came out differently. A file in `.aquifer/`: nothing of it lies on a server.
 */
export interface CheckMemory {
  /** Digest of all that every judgement rests on: versions, sources, what is there for all to see. */
  readonly ground: string;
  readonly actions: Readonly<Record<string, ActionJudgement>>;
  /** Queries of reports without a finding, by `report: query`. */
  readonly queries: Readonly<Record<string, QueryJudgement>>;
  /** Digests of unit tests without a finding, by name. */
  readonly tests: Readonly<Record<string, string>>;
}

export interface ActionJudgement {
  /** Digest of what the action says. */
  readonly content: string;
  /** What its statements may read, see `actionReads`. */
  readonly reads: readonly string[];
  /** Digest of what these offered, and of its place among the actions that every check builds. */
  readonly inputs: string;
  /** Digest of what was found, if anything: it is judged again, for that to be told again. */
  readonly found?: string;
  /** Why it is broken, or could not be judged. */
  readonly broken?: string;
  /** See `sqlFingerprint`; absent for assertions and declarations. */
  readonly sql?: string;
  /** What it produced; absent for assertions, and where it is broken. */
  readonly columns?: Columns;
}

export interface QueryJudgement {
  /** Digest of the query and of what it reads. */
  readonly content: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

const memoryFile = join(".aquifer", "cache", "check.json");

/** The memory of a project; undefined where there is none, or none that this program wrote. */
export async function readMemory(projectRoot: string): Promise<CheckMemory | undefined> {
  const text = await readFile(join(projectRoot, memoryFile), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const end = text.indexOf("\n");
  const content = text.slice(end + 1);
  return text.slice(0, end) === seal(content) ? (JSON.parse(content) as CheckMemory) : undefined;
}

/** Written aside and renamed: another check may read it at this moment. */
export async function writeMemory(projectRoot: string, memory: CheckMemory): Promise<void> {
  const content = JSON.stringify(memory);
  await writeWhole(join(projectRoot, memoryFile), `${seal(content)}\n${content}`);
}

/** The first line of the file, which only the same build of this program writes above the same content. */
function seal(content: string): string {
  const program = statSync(dirname(fileURLToPath(import.meta.url)));
  return digest([packageVersion(), program.mtimeMs, hash(content)]);
}

/** A short digest of plain data. */
export function digest(value: unknown): string {
  return hash(JSON.stringify(value));
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}
