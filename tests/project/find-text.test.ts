import { expect, test } from "vitest";
import { findNamed } from "../../src/project/find-text.js";

function placeOf(name: string, text: string): string {
  const place = findNamed(text, "a.sqlx", `column "${name}" does not exist`);
  return place === undefined ? "none" : `${place.line}:${place.column}`;
}

test("a name that stands once in a file is where it stands", () => {
  expect(placeOf("paid", 'config { uniqueKey: ["paid"] }\nselect 1')).toBe("1:23");
  expect(placeOf("paid", "select paid, paid_at, unpaid from t")).toBe("1:8");
});

test("a name that stands twice, or nowhere, has no place", () => {
  expect(placeOf("paid", "select paid from t where paid > 0")).toBe("none");
  expect(placeOf("paid", "select 1")).toBe("none");
  expect(findNamed(undefined, "a.sqlx", 'column "paid" does not exist')).toBeUndefined();
});

test("comments name nothing, and letters beyond ASCII belong to a word", () => {
  expect(placeOf("paid", "-- only paid ones\n/* paid\n*/ select x, paid from t")).toBe("3:14");
  expect(placeOf("nom", "select prénom, nom from t")).toBe("1:16");
});

test("what is no name is not looked for", () => {
  expect(findNamed("select 1 limit 20", "a.sqlx", 'invalid value "20" for "MM"')).toBeUndefined();
  expect(findNamed("select (1)", "a.sqlx", 'syntax error at or near ")"')).toBeUndefined();
});
