// Transpiles src/ to dist/, one file each, so that stack traces and imports keep their shape.
// Only what changed is written, each file by one rename: commands that run from dist/ at this moment never miss one.
import { build } from "esbuild";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const { outputFiles } = await build({
  entryPoints: filesBelow(join(root, "src")).filter(
    (file) => file.endsWith(".ts") && !file.endsWith(".d.ts"),
  ),
  outdir: dist,
  outbase: join(root, "src"),
  write: false,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "linked",
  logLevel: "warning",
});
for (const { path, contents } of outputFiles) {
  if (existsSync(path) && readFileSync(path).equals(contents)) continue;
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  writeFileSync(partial, contents);
  renameSync(partial, path);
}
// Types stay while their module does: packing writes them first and then builds once more.
const built = new Set(outputFiles.map(({ path }) => path));
for (const file of filesBelow(dist)) {
  const module = file.replace(/\.d\.ts$/, ".js");
  if (!built.has(module) && !file.endsWith(".partial")) rmSync(file, { force: true });
}
