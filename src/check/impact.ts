import { reachableColumns, type ColumnKey, type Lineage } from "./project-lineage.js";
import type { WarehouseModel } from "./warehouse-model.js";

/** One difference between two states of a project. */
export interface Change {
  readonly kind: "added" | "removed" | "retyped";
  /** `schema.table`, or `schema.table.column`. */
  readonly subject: string;
  readonly before?: string;
  readonly after?: string;
  /** Columns of models and reports that read it in the earlier state, nearest first. */
  readonly readers: readonly ColumnKey[];
}

/** True for a change that takes away what something reads. */
export function isBreak(change: Change): boolean {
  return change.kind !== "added" && change.readers.length > 0;
}

/**
 * What changes between two models of the warehouse, and whom it concerns: the readers by the earlier state's lineage.
 * A relation that came or went is one change, not one for each of its columns.
 */
export function compareModels(before: WarehouseModel, after: WarehouseModel, lineage: Lineage): Change[] {
  const changes: Change[] = [];
  const readersOf = (columns: readonly ColumnKey[]): ColumnKey[] => {
    const found = columns.flatMap((column) => [...reachableColumns(lineage, column, "readers").keys()]);
    return [...new Set(found)];
  };
  const keys = new Set([...Object.keys(before.relations), ...Object.keys(after.relations)]);
  for (const key of [...keys].sort()) {
    const [old, fresh] = [before.relations[key], after.relations[key]];
    if (old === undefined) {
      changes.push({ kind: "added", subject: key, readers: [] });
      continue;
    }
    if (fresh === undefined) {
      const readers = readersOf(old.columns.map(({ name }) => `${key}.${name}`));
      changes.push({ kind: "removed", subject: key, readers });
      continue;
    }
    const [oldTypes, newTypes] = [typesOf(old), typesOf(fresh)];
    for (const [name, type] of oldTypes) {
      const subject = `${key}.${name}`;
      const now = newTypes.get(name);
      if (now === undefined) {
        changes.push({ kind: "removed", subject, before: type, readers: readersOf([subject]) });
      } else if (now !== type) {
        changes.push({ kind: "retyped", subject, before: type, after: now, readers: readersOf([subject]) });
      }
    }
    for (const [name, type] of newTypes) {
      if (!oldTypes.has(name))
        changes.push({ kind: "added", subject: `${key}.${name}`, after: type, readers: [] });
    }
  }
  return changes;
}

function typesOf(relation: WarehouseModel["relations"][string]): Map<string, string> {
  return new Map(relation.columns.map(({ name, type }) => [name, type]));
}

const mostReaders = 5;

/** The changes for people: one line each, with the nearest readers. */
export function describeChanges(changes: readonly Change[]): string {
  if (changes.length === 0) return "No relation or column changes.\n";
  return changes
    .map((change) => `${change.kind.padEnd(8)} ${change.subject}${types(change)}${readers(change)}\n`)
    .join("");
}

/** The changes as a table for a pull request's comment. */
export function changesAsMarkdown(changes: readonly Change[], against: string): string {
  if (changes.length === 0) return `No relation or column changes against \`${against}\`.\n`;
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  const rows = changes.map(
    (change) =>
      `| ${isBreak(change) ? "**break**" : change.kind} | \`${cell(change.subject)}\` | ${cell(change.before ?? "")} | ${cell(change.after ?? "")} | ${cell(change.readers.slice(0, mostReaders).join(", "))}${more(change)} |`,
  );
  return [
    `Against \`${against}\`:`,
    "",
    "| | what | before | after | read by |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

function types({ before, after }: Change): string {
  if (before !== undefined && after !== undefined) return ` ${before} -> ${after}`;
  return before === undefined && after === undefined ? "" : ` ${before ?? after ?? ""}`;
}

function readers(change: Change): string {
  if (change.readers.length === 0) return "";
  return `\n         read by ${change.readers.slice(0, mostReaders).join(", ")}${more(change)}`;
}

function more({ readers: all }: Change): string {
  return all.length > mostReaders ? ` and ${all.length - mostReaders} more` : "";
}
