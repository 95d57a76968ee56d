import { AquiferError } from "../base/errors.js";
import { excerpt, type SourceLocation } from "../base/source-location.js";
import { lineColumnAt, utf16Offset } from "../base/text-position.js";
import { actionKey } from "../project/action-graph.js";
import type { Action } from "../project/action.js";
import type { CompiledProject } from "../project/compiled-project.js";
import { locate } from "../project/sql-position.js";
import type { Statement } from "../statements/statement.js";
import type { WarehouseError } from "../warehouse/warehouse-error.js";

/** The place in the user's files of a position in a statement that was sent; undefined where it is in text of ours. */
export type Locate = (action: Action, sent: string, position: number) => Located | undefined;

interface Located {
  readonly location: SourceLocation;
  readonly excerpt?: string;
}

/** Leads positions back to the files of a compiled project. */
export function locateIn(project: CompiledProject): Locate {
  const { tables = [], operations = [], assertions = [] } = project.graph;
  const compiled = new Map(
    [...tables, ...operations, ...assertions].map((each) => [actionKey(each.target), each]),
  );
  return (action, sent, position) => {
    const found = compiled.get(action.key);
    const location = found && locate(project, found, sent, position);
    if (location === undefined) return undefined;
    const text = project.files[location.file];
    if (text === undefined || location.line === undefined) return { location };
    return { location, excerpt: excerpt(text, location.line, location.column) };
  };
}

/**
 * What the server refused, as an error of the action: at its place in the user's file where the statement holds text of
 * theirs, with an excerpt and a caret.
 *
 * @param sent the statement as sent, with the comment before it
 */
export function actionError(
  error: WarehouseError,
  action: Action,
  statement: Statement,
  sent: string,
  locateSent: Locate | undefined,
): AquiferError {
  const base = {
    code: error.code,
    details: error.details,
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
  const position = error.server.position;
  if (position === undefined)
    return new AquiferError(error.message, { ...base, location: { file: action.file } });
  const located = locateSent?.(action, sent, position);
  if (located !== undefined) return new AquiferError(error.message, { ...base, ...located });
  const offset = utf16Offset(sent, position - 1, "code points") - (sent.length - statement.text.length);
  const user = statement.user;
  const inUser = user === undefined ? -1 : offset - user.offset;
  if (user !== undefined && inUser >= 0 && inUser <= user.text.length) {
    const place = lineColumnAt(user.text, inUser);
    return new AquiferError(error.message, {
      ...base,
      location: { file: action.file },
      excerpt: excerpt(user.text, place.line, place.column),
    });
  }
  const place = lineColumnAt(statement.text, Math.max(0, offset));
  return new AquiferError(error.message, {
    ...base,
    location: { file: action.file },
    details: [...error.details, "in the statement that Aquifer wrote around the model:"],
    excerpt: excerpt(statement.text, place.line, place.column),
  });
}
