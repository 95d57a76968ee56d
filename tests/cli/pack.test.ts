import { cpSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { resetEmbedded } from "../../src/warehouse/embedded/embedded-server.js";
import { command, emptyFolder, folderState, repository, writeFiles } from "./support.js";

const undo: (() => void | Promise<void>)[] = [];
let tarball: string;
/** Paths of the package's files, without the leading `package/`. */
let packed: readonly string[];

/** Packs a copy: packing builds, and the repository's `dist/` is in use by other tests. */
beforeAll(async () => {
  const copy = emptyFolder((each) => undo.push(each));
  const parts = [
    "src",
    "bin",
    "scripts",
    "package.json",
    "tsconfig.json",
    "tsconfig.build.json",
    "README.md",
    "LICENSE",
  ];
  const projectHalf = [
    "definitions",
    "includes",
    "ingest",
    "reports",
    "seeds",
    "dataform.json",
    "tests/servers",
  ];
  for (const part of [...parts, ...projectHalf])
    cpSync(join(repository, part), join(copy, part), { recursive: true });
  symlinkSync(join(repository, "node_modules"), join(copy, "node_modules"));
  const { code, stdout, stderr } = await command("npm", ["pack", "--silent"], { cwd: copy });
  expect(code, stdout + stderr).toBe(0);
  tarball = join(copy, stdout.trim());
  const listed = await command("tar", ["-tzf", tarball], { cwd: copy });
  packed = listed.stdout
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));
});

afterAll(async () => {
  for (const each of undo) await each();
});

test("the package holds the command, the built framework with its types, and nothing else", () => {
  const others = packed.filter((path) => !/^(dist\/.+\.(js|js\.map|d\.ts)|bin\/dataform\.js)$/.test(path));
  expect(others.sort()).toEqual(["LICENSE", "README.md", "package.json"]);
  const types = new Set(packed.filter((path) => path.endsWith(".d.ts")));
  const modules = packed.filter((path) => path.endsWith(".js") && path.startsWith("dist/"));
  expect(modules.filter((path) => !types.has(path.replace(/\.js$/, ".d.ts")))).toEqual([]);
  expect(modules.length).toBeGreaterThan(100);
});

test("a second, empty project installs it and goes from init to report on its embedded server", async () => {
  const root = emptyFolder();
  const npm = (...args: string[]): ReturnType<typeof command> => command("npm", args, { cwd: root });
  const installed = await npm("install", "--prefer-offline", "--no-audit", "--no-fund", tarball);
  expect(installed.code, installed.stderr).toBe(0);
  const before = folderState(join(root, "node_modules/aquifer"));

  const inited = await command("npx", ["--no", "dataform", "init"], { cwd: root });
  expect(inited.stdout, inited.stderr).toContain("\nNext: npx dataform refresh\n");
  const dataform = async (...argv: string[]): Promise<string> => {
    const bin = join(root, "node_modules/.bin/dataform");
    const { code, stdout, stderr } = await command(bin, argv, { cwd: root });
    expect(code, `dataform ${argv.join(" ")}\n${stdout}${stderr}`).toBe(0);
    return stdout;
  };
  writeFiles(root, { "ingest/samples/shop.ts": sample, "ingest/typed.ts": typed });
  try {
    expect(await dataform("sample", "shop", "--customers", "50")).toContain(
      "Sample written: raw/shop/  1 file, 50 rows",
    );
    expect(await dataform("ingest")).toMatch(/\nBatch batch_\w+: 55 rows of 3 files in /);
    expect(await dataform("run")).toContain("Table created:  gold.shop_revenue [table]");
    expect(await dataform("test")).toContain("1 passed, 0 failed");
    expect(await dataform("report")).toContain("1 report built");
    const page = readFileSync(join(root, "build/reports/shop/revenue.html"), "utf8");
    expect(page).toContain("Revenue");
    const feed = readFileSync(join(root, "build/reports/api/shop/revenue.json"), "utf8");
    expect(JSON.parse(feed)).toMatchObject({ kpis: [{ label: "Revenue", value: 214.65 }] });
    expect(await dataform("warehouse", "stop")).toContain("Embedded PostgreSQL stopped.");
  } finally {
    await resetEmbedded(root);
  }
  // What was installed is what is used: nothing of the package is built or changed at run time.
  expect(folderState(join(root, "node_modules/aquifer"))).toEqual(before);

  // Its types are found through its exports, and they check.
  const tsc = (): ReturnType<typeof command> =>
    command(process.execPath, [join(repository, "node_modules/typescript/bin/tsc"), "-p", root], {
      cwd: root,
    });
  expect((await tsc()).stdout).toBe("");
  writeFiles(root, { "ingest/typed.ts": typed.replace('"day"', '"week"') });
  expect((await tsc()).stdout).toMatch(
    /^ingest\/typed\.ts\(\d+,\d+\): error TS2322: Type '"week"' is not assignable/,
  );
}, 240_000);

const sample = `import { defineSample } from "aquifer";
export const shop = defineSample({
  name: "shop",
  defaults: { customers: 10, months: 1 },
  *files({ customers }) {
    const rows = Array.from({ length: customers }, (_, index) => \`\${100 + index},2024-03-05,Dan,1.00\\n\`);
    yield { path: "orders_2024-03.csv", rows: customers, content: ["order_id,ordered_at,customer,amount\\n", ...rows] };
  },
});
`;

const typed = `import { defineSource } from "aquifer";
import { bars } from "aquifer/charts";
export const returns = defineSource({
  name: "shop/returns",
  files: "returns_*.csv",
  columns: { order_id: {} },
  period: { grain: "day", fromName: /(?<year>\\d{4})-(?<month>\\d\\d)-(?<day>\\d\\d)/ },
});
export const draw = bars<{ name: string; returns: number }>({ category: "name", value: "returns" });
`;
