/**
 * SQL to send, with the part of it that a user wrote: an error's position inside that part is mapped back to the user's
 * file.
 */
export interface Statement {
  readonly text: string;
  readonly user?: {
    /** The user's compiled text, whole. */
    readonly text: string;
    /** Where it starts in `Statement.text`, in UTF-16 units. */
    readonly offset: number;
  };
}

/** A statement that is the user's own text. */
export function userStatement(text: string): Statement {
  return { text, user: { text, offset: 0 } };
}

/** `before` + the user's text + `after`. */
export function aroundUser(before: string, text: string, after = ""): Statement {
  return { text: `${before}${text}${after}`, user: { text, offset: before.length } };
}
