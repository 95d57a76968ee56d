import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const source = join(root, "src");

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"));

const text = (file: string): string => readFileSync(join(source, file), "utf8");
const roomOf = (file: string): string => (file.includes("/") ? (file.split("/")[0] ?? "") : "index");

/** The imports of a file that stay inside `src/`, as paths below it. */
function importsOf(file: string): Import[] {
  const parsed = ts.createSourceFile(file, text(file), ts.ScriptTarget.Latest);
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith(".")) return;
    const path = relative(source, join(source, dirname(file), specifier.text.replace(/\.js$/, ".ts")));
    found.push({ from: file, to: path.replaceAll("\\", "/"), typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const bindings = node.importClause?.namedBindings;
      const allTypes =
        bindings !== undefined &&
        ts.isNamedImports(bindings) &&
        bindings.elements.every((element) => element.isTypeOnly);
      add(
        node.moduleSpecifier,
        node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ||
          (allTypes && !node.importClause?.name),
      );
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  return found;
}

const imports = files.flatMap(importsOf);

/** What each room may import, as docs/architecture.md says: room -> imported room -> types only. */
function readRules(): Map<string, Map<string, { typesOnly: boolean }>> {
  const rows = readFileSync(join(root, "docs/architecture.md"), "utf8").matchAll(
    /^\| `(\w+)` +\|.*\| ([^|]+?) +\|$/gm,
  );
  const parsed = [...rows].map(([, room = "", allowed = ""]) => ({ room, allowed }));
  return new Map(
    parsed.map(({ room, allowed }) => {
      const names = allowed === "all" ? parsed.map((each) => each.room) : allowed.split(", ");
      return [
        room,
        new Map(names.map((name) => [name.replace(" (types)", ""), { typesOnly: name.endsWith("(types)") }])),
      ];
    }),
  );
}

describe("the rooms of src/", () => {
  const rules = readRules();

  it("are those of docs/architecture.md", () => {
    const rooms = [...new Set(files.map(roomOf))].filter((room) => room !== "index").sort();
    expect(rooms).toEqual([...rules.keys()].sort());
  });

  it("import only what docs/architecture.md allows them", () => {
    const broken = imports.filter(({ from, to, typeOnly }) => {
      const [room, imported] = [roomOf(from), roomOf(to)];
      if (room === "index" || room === imported) return false;
      const rule = rules.get(room)?.get(imported);
      return rule === undefined || (rule.typesOnly && !typeOnly);
    });
    expect(broken.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it("hold no circle of modules, types apart", () => {
    const next = new Map(
      files.map((file) => [file, imports.filter((each) => each.from === file && !each.typeOnly)]),
    );
    const state = new Map<string, "open" | "done">();
    const circles: string[] = [];
    const walk = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
        return;
      }
      state.set(file, "open");
      for (const { to } of next.get(file) ?? []) walk(to, [...path, file]);
      state.set(file, "done");
    };
    for (const file of files) walk(file, []);
    expect(circles).toEqual([]);
  });

  it("import only files that exist", () => {
    expect(
      imports.filter(({ to }) => !existsSync(join(source, to))).map(({ from, to }) => `${from} -> ${to}`),
    ).toEqual([]);
  });

  it("name no system of the project", () => {
    const systems = readdirSync(join(root, "ingest"))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => name.slice(0, -3));
    expect(systems).toEqual(["bank", "pam", "perumda", "telco", "utility"]);
    const named = new RegExp(`\\b(${systems.join("|")})(?![a-z])`, "i");
    expect(files.filter((file) => named.test(text(file)))).toEqual([]);
  });

  it("print and end the process in cli only", () => {
    const forbidden = /\bconsole\.\w+\(|\bprocess\.(exit\b|exitCode|(stdout|stderr)\.write\()/;
    const code = (file: string): string =>
      ts
        .transpileModule(text(file), {
          compilerOptions: { removeComments: true, target: ts.ScriptTarget.ES2022 },
        })
        .outputText.replace(/(["'`])(?:\\.|(?!\1).)*\1/g, '""');
    expect(files.filter((file) => roomOf(file) !== "cli" && forbidden.test(code(file)))).toEqual([]);
  });

  it("name every file in kebab-case", () => {
    expect(files.filter((file) => !/^([a-z0-9-]+\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(file))).toEqual([]);
  });
});
