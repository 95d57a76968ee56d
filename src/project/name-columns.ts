import { snakeCase } from "../base/snake-case.js";

/** What the names of a source's files tell. */
export interface NameColumns {
  readonly patterns: readonly RegExp[];
  /** Names of all groups. */
  readonly groups: readonly string[];
}

/** Groups whose columns every bronze relation has for itself. */
const taken = ["file_id", "row", "file_name", "file_hash", "period", "batch", "loaded_at", "rescued"];

/** Checks the patterns that read names, and finds their groups. */
export function nameColumns(
  patterns: readonly RegExp[],
  fail: (problem: string, hint?: string) => Error,
): NameColumns {
  const groups = new Set<string>();
  for (const pattern of patterns) {
    if (pattern.global || pattern.sticky) {
      throw fail("nameColumns has a flag g or y, which remembers where it was", "Leave it out.");
    }
    const found = [...pattern.source.matchAll(/\(\?<([A-Za-z_$][\w$]*)>/g)].map(([, group = ""]) => group);
    if (found.length === 0)
      throw fail(`nameColumns has no named group in ${pattern.source}`, "Write (?<city>...).");
    for (const group of found) {
      if (snakeCase(group) !== group) throw fail(`nameColumns: group "${group}" is not in lower snake case`);
      if (taken.includes(group))
        throw fail(`nameColumns: every row has a column _${group} already`, "Name the group otherwise.");
      groups.add(group);
    }
  }
  return { patterns, groups: [...groups] };
}

/** What a name tells, by group; the first pattern that finds a group counts. Groups that are not found are absent. */
export function readName({ patterns }: NameColumns, name: string): Record<string, string> {
  const parts: Record<string, string> = {};
  for (const pattern of patterns) {
    for (const [group, value] of Object.entries(pattern.exec(name)?.groups ?? {})) {
      if (value !== undefined && !(group in parts)) parts[group] = value;
    }
  }
  return parts;
}

/** The columns in bronze. */
export function namedColumns({ groups }: NameColumns): { name: string; type: string; description: string }[] {
  return groups.map((group) => ({
    name: `_${group}`,
    type: "text",
    description: "Told by the file's name.",
  }));
}
