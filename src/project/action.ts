import { AquiferError } from "../base/errors.js";
import { formatRelation, quoteRelation, type RelationName } from "../base/identifiers.js";
import { actionKey } from "./action-graph.js";
import { readAquiferSettings, type AquiferSettings } from "./assertion-settings.js";
import type { CompiledAction, CompiledTable } from "./compiled-graph.js";
import { relationOf, type CompiledProject, type InlineAssertion } from "./compiled-project.js";
import { readPostgresSettings, type PostgresSettings } from "./postgres-settings.js";

export interface ColumnDescription {
  readonly name: string;
  readonly description?: string;
}

interface ActionBase {
  /** `schema.name`, unique in a project. */
  readonly key: string;
  readonly target: RelationName;
  /** Path below the project root. */
  readonly file: string;
  readonly tags: readonly string[];
  readonly disabled: boolean;
  /** Keys of the actions and declarations that this one reads or names as dependencies. */
  readonly dependencies: readonly string[];
  readonly description?: string;
  readonly columns: readonly ColumnDescription[];
  readonly settings: AquiferSettings;
  /** Source of a function that makes the SQL at run time (just-in-time compilation). */
  readonly jitCode?: string;
}

interface RelationBase extends ActionBase {
  readonly query: string;
  readonly preOperations: readonly string[];
  readonly postOperations: readonly string[];
  readonly postgres: PostgresSettings;
}

export interface TableAction extends RelationBase {
  readonly kind: "table";
}

export interface ViewAction extends RelationBase {
  readonly kind: "view";
  /** A materialized view. */
  readonly materialized: boolean;
}

export interface IncrementalAction extends RelationBase {
  readonly kind: "incremental";
  readonly incrementalQuery: string;
  readonly incrementalPreOperations: readonly string[];
  readonly incrementalPostOperations: readonly string[];
  readonly uniqueKey: readonly string[];
  readonly strategy: "append" | "merge" | "insert_overwrite";
  readonly onSchemaChange: "ignore" | "fail" | "extend" | "synchronize";
  /** Never rebuilt from nothing, even with `--full-refresh`. */
  readonly protected: boolean;
}

export interface OperationsAction extends ActionBase {
  readonly kind: "operations";
  readonly queries: readonly string[];
  readonly hasOutput: boolean;
}

export interface AssertionAction extends ActionBase {
  readonly kind: "assertion";
  readonly query: string;
  /** The table that declared it inline. */
  readonly parent?: string;
  /** The one relation that a standalone assertion reads, of which it may allow a share to fail. */
  readonly reads?: RelationName;
  /** What it demands, where the table's config says it; such assertions of one table share one scan. */
  readonly check?: InlineAssertion;
}

export interface DeclarationAction extends ActionBase {
  readonly kind: "declaration";
}

export type RelationAction = TableAction | ViewAction | IncrementalAction;
export type Action = RelationAction | OperationsAction | AssertionAction | DeclarationAction;

/** True for what becomes a table, view or materialized view under its own name. */
export function isRelationAction(action: Action): action is RelationAction {
  return action.kind === "table" || action.kind === "view" || action.kind === "incremental";
}

/**
 * The typed actions of a compiled project by key, settings checked.
 *
 * @throws AquiferError for unknown or malformed settings, and for kinds of action that only BigQuery has
 */
export function toActions({ graph, inlineAssertions, files }: CompiledProject): ReadonlyMap<string, Action> {
  const checks = new Map(inlineAssertions.map((each) => [actionKey(each.target), each]));
  for (const unsupported of [...(graph.notebooks ?? []), ...(graph.dataPreparations ?? [])]) {
    throw new AquiferError(`${actionKey(unsupported.target)} is a notebook or data preparation`, {
      code: "unsupported-action",
      location: { file: unsupported.fileName ?? "" },
      hint: "These run on BigQuery only; write it as a table or as operations.",
    });
  }
  const actions: Action[] = [
    ...(graph.declarations ?? []).map((each): Action => ({ ...base(each, files), kind: "declaration" })),
    ...(graph.tables ?? []).map((each) => toRelationAction(each, files)),
    ...(graph.operations ?? []).map((each): Action => ({
      ...base(each, files),
      kind: "operations",
      queries: statements(each.queries),
      hasOutput: each.hasOutput ?? false,
    })),
  ];
  const tables = new Map(actions.map((action) => [action.key, action]));
  for (const each of graph.assertions ?? []) {
    const common = base(each, files);
    const parent = each.parentAction === undefined ? undefined : actionKey(each.parentAction);
    const check = checks.get(common.key);
    const query = each.query ?? "";
    const relations = parent === undefined ? relationsAmong(common.dependencies, tables) : [];
    const reads = oneRead(relations, query);
    if (parent === undefined && reads === undefined) refuseShare(common, relations);
    actions.push({
      ...common,
      kind: "assertion",
      query,
      settings: (parent === undefined ? undefined : tables.get(parent)?.settings) ?? common.settings,
      ...(reads === undefined ? {} : { reads }),
      ...(parent === undefined ? {} : { parent }),
      ...(check === undefined ? {} : { check }),
    });
  }
  return new Map(actions.map((action) => [action.key, action]));
}

/** The relations among dependencies: neither operations without output nor other assertions, which are only waited for. */
function relationsAmong(
  dependencies: readonly string[],
  actions: ReadonlyMap<string, Action>,
): readonly RelationName[] {
  return dependencies.flatMap((key) => {
    const action = actions.get(key);
    return action === undefined || (action.kind === "operations" && !action.hasOutput) ? [] : [action.target];
  });
}

/** The one relation, or of several the one that a query names as `ref()` does: the others are only waited for. */
function oneRead(relations: readonly RelationName[], query: string): RelationName | undefined {
  const named =
    relations.length > 1 ? relations.filter((each) => query.includes(quoteRelation(each))) : relations;
  return named.length === 1 ? named[0] : undefined;
}

function refuseShare({ key, file, settings }: ActionBase, relations: readonly RelationName[]): void {
  if (!("percent" in settings.all.maxFailing)) return;
  throw new AquiferError(`maxFailing of ${key} is a share, and of what is not known`, {
    code: "bad-setting",
    location: { file },
    details: [
      `it reads ${relations.length === 0 ? "no relation" : relations.map(formatRelation).join(", ")}`,
    ],
    hint: "A share is one of the rows of the relation that an assertion reads: give a number of rows, or read one relation.",
  });
}

function base(compiled: CompiledAction, files: CompiledProject["files"]): ActionBase {
  const file = compiled.fileName ?? "";
  const descriptor = compiled.actionDescriptor;
  return {
    key: actionKey(compiled.target),
    target: relationOf(compiled.target),
    file,
    tags: compiled.tags ?? [],
    disabled: compiled.disabled ?? false,
    dependencies: [...new Set((compiled.dependencyTargets ?? []).map(actionKey))],
    columns: (descriptor?.columns ?? []).map((column) => ({
      name: (column.path ?? []).join("."),
      ...(column.description === undefined ? {} : { description: column.description }),
    })),
    settings: readAquiferSettings(descriptor?.metadata?.extraProperties?.["aquifer"], {
      file,
      text: files[file],
    }),
    ...(descriptor?.description === undefined ? {} : { description: descriptor.description }),
    ...(compiled.jitCode === undefined ? {} : { jitCode: compiled.jitCode }),
  };
}

function toRelationAction(compiled: CompiledTable, files: CompiledProject["files"]): RelationAction {
  const file = compiled.fileName ?? "";
  const common = {
    ...base(compiled, files),
    query: statement(compiled.query),
    preOperations: statements(compiled.preOps),
    postOperations: statements(compiled.postOps),
    postgres: readPostgresSettings(compiled.actionDescriptor?.metadata?.extraProperties?.["postgres"], {
      file,
      text: files[file],
    }),
  };
  switch (compiled.enumType) {
    case "TABLE":
      return { ...common, kind: "table" };
    case "VIEW":
      return { ...common, kind: "view", materialized: compiled.materialized ?? false };
    case "INCREMENTAL": {
      const uniqueKey = compiled.uniqueKey ?? [];
      return {
        ...common,
        kind: "incremental",
        incrementalQuery: statement(compiled.incrementalQuery ?? compiled.query),
        incrementalPreOperations: statements(compiled.incrementalPreOps),
        incrementalPostOperations: statements(compiled.incrementalPostOps),
        uniqueKey,
        strategy:
          compiled.incrementalStrategy === "INSERT_OVERWRITE"
            ? "insert_overwrite"
            : uniqueKey.length > 0
              ? "merge"
              : "append",
        onSchemaChange: lowerCase(compiled.onSchemaChange ?? "IGNORE"),
        protected: compiled.protected ?? false,
      };
    }
  }
}

function lowerCase<T extends string>(text: T): Lowercase<T> {
  return text.toLowerCase() as Lowercase<T>;
}

/** A query without the semicolon that a user may have ended it with: it is going to stand inside another statement. */
function statement(text: string | undefined): string {
  return (text ?? "").replace(/[\s;]+$/, "");
}

function statements(texts: readonly string[] | undefined): readonly string[] {
  return (texts ?? []).filter((text) => text.trim() !== "");
}
