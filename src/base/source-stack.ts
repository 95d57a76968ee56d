import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";

/**
 * A stack trace with the places of `src/` in place of those in `dist/`. Source maps are read only here: with Node's own support
 * for them every start of a command would read and parse those of all modules.
 *
 * @example
 * sourceStack("Error: no\n    at main (file:///app/dist/cli/main.js:14:9)")
 * // "Error: no\n    at main (/app/src/cli/main.ts:15:5)"
 */
export function sourceStack(stack: string): string {
  return stack.replace(/(file:\/\/[^\s()]+\.js):(\d+):(\d+)/g, (place, url: string, line, column) => {
    try {
      const text = readFileSync(fileURLToPath(`${url}.map`), "utf8");
      const map = new SourceMap(JSON.parse(text) as ConstructorParameters<typeof SourceMap>[0]);
      const origin = map.findOrigin(Number(line), Number(column));
      if (!("fileName" in origin)) return place;
      return `${fileURLToPath(new URL(origin.fileName, url))}:${origin.lineNumber}:${origin.columnNumber}`;
    } catch {
      // No map, such as that of a package: the place as it is.
      return place;
    }
  });
}
