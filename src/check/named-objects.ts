import type { Action } from "../project/action.js";
import { isRelationAction } from "../project/action.js";
import { renderSql } from "../project/report-sql.js";
import { userTexts } from "../statements/user-texts.js";
import type { CheckedReport } from "./check-report.js";
import { parseStatement, walk } from "./parse-statement.js";

/** What a project's SQL names, without schema: what of a warehouse concerns it. */
export interface NamedObjects {
  readonly functions: ReadonlySet<string>;
  readonly types: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
}

/** Every function, type and role that the statements of actions and reports name; statements that do not parse name none. */
export function namedObjects(actions: Iterable<Action>, reports: readonly CheckedReport[]): NamedObjects {
  const functions = new Set<string>();
  const types = new Set<string>();
  const roles = new Set<string>();
  const texts: string[] = [];
  for (const action of actions) {
    texts.push(...userTexts(action));
    // An inline assertion is written by core; its conditions are the project's.
    if (action.kind === "assertion" && action.check !== undefined) texts.push(action.query);
    if (isRelationAction(action))
      for (const each of Object.values(action.postgres.grants).flat()) roles.add(each);
  }
  for (const { report } of reports) {
    for (const query of Object.values(report.data)) texts.push(renderSql(query.sql, () => "stand_in").text);
  }
  for (const text of texts) {
    const parsed = parseStatement(text);
    if (!parsed.ok) continue;
    walk(
      parsed.statements.map((each) => each.tree),
      (node) => {
        add(functions, lastName(node["funcname"]));
        add(types, lastName(node["names"]));
        // `call f()`, `execute function f()` and objects that operations drop or comment on.
        add(functions, lastName(node["objname"]));
        if (node["roletype"] === "ROLESPEC_CSTRING") add(roles, node["rolename"]);
      },
    );
  }
  return { functions, types, roles };
}

function add(names: Set<string>, name: unknown): void {
  if (typeof name === "string") names.add(name);
}

/** The name of a list of `{ String: { sval } }`, without its schema. */
function lastName(list: unknown): unknown {
  if (!Array.isArray(list)) return undefined;
  const last: unknown = list.at(-1);
  return (last as { String?: { sval?: unknown } } | undefined)?.String?.sval;
}
