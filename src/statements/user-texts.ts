import type { Action } from "../project/action.js";

/** The user's own SQL of an action, piece by piece. */
export function userTexts(action: Action): string[] {
  const texts = (): readonly string[] => {
    if (action.kind === "declaration") return [];
    if (action.kind === "operations") return action.queries;
    if (action.kind === "assertion") return action.check === undefined ? [action.query] : [];
    const { query, preOperations, postOperations } = action;
    if (action.kind !== "incremental") return [query, ...preOperations, ...postOperations];
    const { incrementalQuery, incrementalPreOperations, incrementalPostOperations } = action;
    return [
      ...[query, incrementalQuery, ...preOperations, ...postOperations],
      ...[...incrementalPreOperations, ...incrementalPostOperations],
    ];
  };
  return [...new Set(texts().filter((text) => text.trim() !== ""))];
}
