const token =
  /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)))/uy;

/**
 * Where a text stops being a JSON value: the offset of the first character that cannot stand there, or of its end. To be
 * asked only of a text that is none.
 *
 * @example jsonFlaw('{"a": oops}') // 6
 */
export function jsonFlaw(text: string): number {
  const open: ("{" | "[")[] = [];
  let expected: "value" | "value or end" | "name" | "name or end" | "colon" | "end" = "value";
  let position = 0;
  for (;;) {
    token.lastIndex = position;
    const match = token.exec(text);
    if (!match) return skipBlanks(text, position);
    const [, sign, name] = match;
    const isValue = sign === undefined || sign === "{" || sign === "[";
    const isEnd = sign === (open.at(-1) === "{" ? "}" : "]");
    const takesEnd = expected === "end" || expected === "value or end" || expected === "name or end";
    if (expected === "colon" && sign === ":") expected = "value";
    else if (expected.startsWith("name") && name !== undefined) expected = "colon";
    else if (expected.startsWith("value") && isValue) {
      if (sign === "{" || sign === "[") open.push(sign);
      expected = sign === "{" ? "name or end" : sign === "[" ? "value or end" : "end";
    } else if (takesEnd && isEnd && open.length > 0) {
      open.pop();
      expected = "end";
    } else if (expected === "end" && sign === "," && open.length > 0) {
      expected = open.at(-1) === "{" ? "name" : "value";
    } else return skipBlanks(text, position);
    position = token.lastIndex;
  }
}

function skipBlanks(text: string, position: number): number {
  let end = position;
  while (/[ \t\r\n]/.test(text[end] ?? "")) end++;
  return end;
}
