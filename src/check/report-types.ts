import type { WarehouseModel } from "./warehouse-model.js";

const head = `// What the queries of each report return, in PostgreSQL's types. Written by \`dataform check\`: do not edit.
import "aquifer";

declare module "aquifer" {
  interface WarehouseQueries {
`;
const tail = "  }\n}\n";

/** The text of `types/warehouse.d.ts`: a type for each report's named queries, for `defineReport` to compare with. */
export function reportTypes(reports: WarehouseModel["reports"]): string {
  const lines = Object.entries(reports).flatMap(([report, queries]) => [
    `    ${JSON.stringify(report)}: {`,
    ...Object.entries(queries).flatMap(([query, columns]) => [
      `      ${JSON.stringify(query)}: {`,
      ...columns.map(({ name, type }) => `        ${JSON.stringify(name)}: ${JSON.stringify(type)};`),
      "      };",
    ]),
    "    };",
  ]);
  return `${head}${lines.map((line) => `${line}\n`).join("")}${tail}`;
}

/**
 * How a committed text of types differs from what it should be, line by line: `+ report, query: column type`. Empty when
 * it is the same text.
 */
export function typesDifference(committed: string | undefined, current: string): string[] {
  if (committed === current) return [];
  const [before, after] = [columnsIn(committed ?? ""), columnsIn(current)];
  const lines = [
    ...[...before].filter((line) => !after.has(line)).map((line) => `- ${line}`),
    ...[...after].filter((line) => !before.has(line)).map((line) => `+ ${line}`),
  ];
  return lines.length > 0 ? lines : ["it was not written by this version of dataform check"];
}

function columnsIn(text: string): Set<string> {
  const found = new Set<string>();
  let [report, query] = ["", ""];
  for (const line of text.split("\n")) {
    const [, indent = "", name = "", rest = ""] = /^( +)"((?:[^"\\]|\\.)*)": (.*)$/.exec(line) ?? [];
    if (indent.length === 4) report = name;
    else if (indent.length === 6) query = name;
    else if (indent.length === 8) found.add(`${report}, ${query}: ${name} ${rest.replace(/^"|";$/g, "")}`);
  }
  return found;
}
