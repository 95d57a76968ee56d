import { isRelationAction, type Action, type RelationAction } from "../project/action.js";
import { keyNames } from "../statements/model-keys.js";
import { changesData, parseStatement, walk, type ParsedStatement } from "./parse-statement.js";

/**
 * The actions that every check builds, as their statements may do more than make one relation of known columns: operations,
 * models with statements that reach beyond their own relation or are about a view, and every relation that these mention.
 * Undefined where they may reach anything: then nothing that was found earlier holds.
 */
export function fixedActions(actions: ReadonlyMap<string, Action>): ReadonlySet<string> | undefined {
  const enabled = [...actions.values()].filter((action) => !action.disabled);
  const open = enabled.filter(isOpen);
  const texts = open.flatMap(statementsOf);
  if (texts.some((text) => reachesAnything.test(text))) return undefined;
  const words = new Set(texts.flatMap(wordsOf));
  if (haveNamesInCommon(enabled, words)) return undefined;
  const isMentioned = (name: string): boolean => {
    const lower = name.toLowerCase();
    return /^[\p{L}\p{N}_$]+$/u.test(lower)
      ? words.has(lower)
      : texts.some((text) => text.toLowerCase().includes(lower));
  };
  const fixed = new Set(open.map(({ key }) => key));
  for (const action of enabled) {
    if (fixed.has(action.key) || !isRelationAction(action)) continue;
    const calls = statementsOf(action).flatMap(callsOf);
    if ([...namesOf(action), ...calls].some(isMentioned)) fixed.add(action.key);
  }
  return fixed;
}

/** What may change relations without naming them, or depend on which there are. */
const reachesAnything =
  /\b(pg_\w+|information_schema|cascade|(drop|alter)\s+schema|drop\s+owned|reassign\s+owned)\b/i;

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}_$]+/gu) ?? [];
}

/** What PostgreSQL appends to a relation's name for indexes and constraints that nobody named. */
const givenName = /_(pkey|key|idx|fkey|excl|check|seq|stat)\d*$/;

/**
 * Relations and indexes share their names: where two of them meet, the server refuses the second.
 *
 * @param words names of what operations may make
 */
function haveNamesInCommon(actions: readonly Action[], words: ReadonlySet<string>): boolean {
  const relations = actions.filter(
    (action) => isRelationAction(action) || (action.kind === "operations" && action.hasOutput),
  );
  const targets = new Set([...words, ...relations.map(({ target }) => target.name)]);
  const taken = new Set<string>();
  for (const action of relations) {
    const { schema, name } = action.target;
    const isGiven =
      givenName.test(name) && [...name.matchAll(/_/g)].some(({ index }) => targets.has(name.slice(0, index)));
    if (isGiven) return true;
    for (const each of isRelationAction(action) ? namesOf(action) : [name]) {
      const key = JSON.stringify([schema, each]);
      if (taken.has(key)) return true;
      taken.add(key);
    }
  }
  return false;
}

/** Names in its schema that a model takes. */
function namesOf(action: RelationAction): string[] {
  const { target, postgres } = action;
  const own = statementsOf(action).flatMap((text) =>
    parsedStatements(text).flatMap(({ tree }) => {
      const { idxname } = tree as { readonly idxname?: string };
      return idxname === undefined ? [] : [idxname];
    }),
  );
  const keys = keyNames(target.name, { ...postgres, foreignKeys: [] });
  return [target.name, ...new Set([...keys, ...own])];
}

/** The statements that run as the user wrote them. */
function statementsOf(action: Action): readonly string[] {
  if (action.kind === "operations") return action.queries;
  if (!isRelationAction(action)) return [];
  const always = [...action.preOperations, ...action.postOperations];
  if (action.kind !== "incremental") return always;
  return [...always, ...action.incrementalPreOperations, ...action.incrementalPostOperations];
}

function isOpen(action: Action): boolean {
  if (action.kind === "operations") return true;
  if (!isRelationAction(action)) return false;
  const texts = statementsOf(action);
  if (texts.length > 0 && action.kind === "view") return true;
  return texts.some((text) => {
    const parsed = parseStatement(text);
    return !parsed.ok || !parsed.statements.every((each) => isOwn(each, action.key));
  });
}

function parsedStatements(text: string): readonly ParsedStatement[] {
  const parsed = parseStatement(text);
  return parsed.ok ? parsed.statements : [];
}

interface Table {
  readonly schemaname?: string;
  readonly relname?: string;
  readonly relpersistence?: string;
}

/** The parts of a statement's tree that say what it is about. */
interface Tree {
  readonly name?: string;
  readonly relation?: Table;
  readonly relations?: readonly { readonly RangeVar?: Table }[];
  readonly rels?: readonly { readonly VacuumRelation?: { readonly relation?: Table } }[];
  readonly into?: { readonly rel?: Table };
  readonly view?: Table;
  readonly object?: {
    readonly List?: { readonly items?: readonly { readonly String?: { readonly sval?: string } }[] };
  };
}

/** True for a statement that leaves nothing for other actions to see but rows, indexes, rights and comments of its own model. */
function isOwn({ kind, tree }: ParsedStatement, key: string): boolean {
  const node = tree as Tree;
  const isSelf = (table: Table | undefined): boolean =>
    table !== undefined && `${table.schemaname ?? "public"}.${table.relname ?? ""}` === key;
  switch (kind) {
    case "VariableSetStmt":
      return !/^(search_path|role|session_authorization)$/i.test(node.name ?? "search_path");
    case "GrantStmt":
      return true;
    case "CommentStmt": {
      const names = (node.object?.List?.items ?? []).map((each) => each.String?.sval ?? "");
      return names.slice(0, 2).join(".") === key;
    }
    case "IndexStmt":
      return isSelf(node.relation);
    case "VacuumStmt":
      return (node.rels ?? []).every((each) => isSelf(each.VacuumRelation?.relation));
    case "InsertStmt":
    case "UpdateStmt":
    case "DeleteStmt":
    case "MergeStmt":
      return isSelf(node.relation) && !changesMore(tree);
    case "TruncateStmt":
      return (node.relations ?? []).every((each) => isSelf(each.RangeVar));
    case "CreateStmt":
      return node.relation?.relpersistence === "t";
    case "CreateTableAsStmt":
      return node.into?.rel?.relpersistence === "t" && !changesMore(tree);
    case "ViewStmt":
      return node.view?.relpersistence === "t";
    default:
      return false;
  }
}

/** True when a statement holds others that change data, in `with`. */
function changesMore(tree: unknown): boolean {
  return changesData({ kind: "SelectStmt", tree, text: "" });
}

/** Names of the functions that statements call. */
function callsOf(text: string): string[] {
  const names: string[] = [];
  walk(
    parsedStatements(text).map((each) => each.tree),
    ({ funcname }) => {
      if (!Array.isArray(funcname)) return;
      const last = funcname.at(-1) as { readonly String?: { readonly sval?: string } } | undefined;
      if (last?.String?.sval !== undefined) names.push(last.String.sval);
    },
  );
  return names;
}
