import { reachableColumns, type ColumnKey, type Lineage } from "./project-lineage.js";
import type { WarehouseModel } from "./warehouse-model.js";

/** One difference between two states of a project. */
export interface Change {
  /** `changed`: other SQL, the same columns. */
  readonly kind: "added" | "removed" | "retyped" | "changed";
  /** `schema.table`, or `schema.table.column`. */
  readonly subject: string;
  readonly relation: string;
  /** Absent when the whole relation came, went or changed. */
  readonly column?: string;
  readonly before?: string;
  readonly after?: string;
  /**
   * What reads it in the earlier state, nearest first: columns of models and reports that are computed from it, then
   * relations and queries whose rows it filters, joins, groups or orders.
   */
  readonly readers: readonly ColumnKey[];
  /** Views and functions of other people in the warehouse that read it: `view public.theirs`. */
  readonly others: readonly string[];
}

/** True for a change that takes away what something reads. */
export function isBreak({ kind, readers, others }: Change): boolean {
  return (kind === "removed" || kind === "retyped") && readers.length + others.length > 0;
}

/**
 * What changes between two models of the warehouse, and whom it concerns: the readers by the earlier state's lineage.
 * A relation that came or went is one change, not one for each of its columns.
 */
export function compareModels(before: WarehouseModel, after: WarehouseModel, lineage: Lineage): Change[] {
  const changes: Change[] = [];
  const add = (
    kind: Change["kind"],
    relation: string,
    column?: string,
    types: Pick<Change, "before" | "after"> = {},
  ): void => {
    const subject = column === undefined ? relation : `${relation}.${column}`;
    const columns = column === undefined ? (before.relations[relation]?.columns ?? []) : [{ name: column }];
    const readers =
      kind === "added"
        ? []
        : readersOf(
            lineage,
            columns.map(({ name }) => `${relation}.${name}`),
          );
    changes.push({
      ...{ kind, subject, relation },
      ...(column === undefined ? {} : { column }),
      ...types,
      ...{ readers, others: [] },
    });
  };
  const keys = new Set([...Object.keys(before.relations), ...Object.keys(after.relations)]);
  for (const key of [...keys].sort()) {
    const [old, fresh] = [before.relations[key], after.relations[key]];
    if (old === undefined) add("added", key);
    else if (fresh === undefined) add("removed", key);
    if (old === undefined || fresh === undefined) continue;
    const [oldTypes, newTypes] = [typesOf(old), typesOf(fresh)];
    const known = changes.length;
    for (const [name, type] of oldTypes) {
      const now = newTypes.get(name);
      if (now === undefined) add("removed", key, name, { before: type });
      else if (now !== type) add("retyped", key, name, { before: type, after: now });
    }
    for (const [name, type] of newTypes) if (!oldTypes.has(name)) add("added", key, name, { after: type });
    const isRewritten = old.sql !== undefined && fresh.sql !== undefined && old.sql !== fresh.sql;
    if (isRewritten && changes.length === known) add("changed", key);
  }
  return changes;
}

function readersOf(lineage: Lineage, columns: readonly ColumnKey[]): ColumnKey[] {
  const computed = columns.flatMap((column) => [...reachableColumns(lineage, column, "readers")]);
  computed.sort(([, a], [, b]) => a - b);
  const wanted = new Set(columns);
  const chosen = [...lineage.values()].flatMap(({ subject, through }) =>
    through.some((column) => wanted.has(column)) ? [subject] : [],
  );
  return [...new Set([...computed.map(([column]) => column), ...chosen])];
}

/** Views and functions of other people, as the warehouse's catalog knows them. */
export interface OtherReader {
  readonly relation: string;
  /** Null when it reads the relation and none of its columns. */
  readonly column: string | null;
  /** `view public.theirs` */
  readonly reader: string;
}

/** The changes with what other people have that reads it. */
export function withOthers(changes: readonly Change[], readers: readonly OtherReader[]): Change[] {
  return changes.map((change) => ({
    ...change,
    others: [
      ...new Set(
        readers
          .filter(
            ({ relation, column }) =>
              change.kind !== "added" &&
              relation === change.relation &&
              (change.column === undefined || change.column === column),
          )
          .map(({ reader }) => reader),
      ),
    ].sort(),
  }));
}

function typesOf(relation: WarehouseModel["relations"][string]): Map<string, string> {
  return new Map(relation.columns.map(({ name, type }) => [name, type]));
}

const mostReaders = 5;

/** The changes for people: one line each, with the nearest readers. */
export function describeChanges(changes: readonly Change[]): string {
  if (changes.length === 0) return "No relation, column or model changes.\n";
  return changes
    .map((change) => `${change.kind.padEnd(8)} ${change.subject}${types(change)}${readBy(change)}\n`)
    .join("");
}

/** The changes as a table for a pull request's comment. */
export function changesAsMarkdown(changes: readonly Change[], against: string): string {
  if (changes.length === 0) return `No relation, column or model changes against \`${against}\`.\n`;
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  const rows = changes.map(
    (change) =>
      `| ${isBreak(change) ? "**break**" : change.kind} | \`${cell(change.subject)}\` | ${cell(change.before ?? "")} | ${cell(change.after ?? "")} | ${cell(readers(change))} |`,
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

function readBy(change: Change): string {
  const text = readers(change);
  return text === "" ? "" : `\n         read by ${text}`;
}

function readers(change: Change): string {
  const { readers: own, others } = change;
  const more = own.length > mostReaders ? [`${own.length - mostReaders} more`] : [];
  const theirs = others.map((each) => `${each} of others`);
  return [...own.slice(0, mostReaders), ...more, ...theirs].join(", ");
}
