// Runs the benchmarks named on the command line, or all but the long ones: `node bench/run.mjs compile ingest`.
import { build } from "esbuild";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

await import("../scripts/build.mjs");
const root = join(import.meta.dirname, "..");
const all = (await readdir(import.meta.dirname)).filter(
  (name) => name.endsWith(".ts") && !name.startsWith("_"),
);
const known = all.map((name) => name.replace(/\.ts$/, ""));
const long = ["utility", "ingest-memory"];
const wanted = process.argv.slice(2);
for (const name of wanted.filter((each) => !known.includes(each))) {
  console.error(`No benchmark "${name}"; there are: ${known.join(", ")}`);
  process.exit(2);
}
// The program as it is built, not as part of the benchmark: its threads are files of their own.
const fromDist = {
  name: "from-dist",
  setup(build) {
    build.onResolve({ filter: /^\.\.\/src\// }, ({ path }) => ({
      path: pathToFileURL(join(root, "dist", path.slice("../src/".length))).href,
      external: true,
    }));
  },
};
const out = join(root, ".aquifer", "bench");
await mkdir(out, { recursive: true });
for (const name of wanted.length > 0 ? wanted : known.filter((each) => !long.includes(each))) {
  const outfile = join(out, `${name}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile,
    bundle: true,
    packages: "external",
    plugins: [fromDist],
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  const module = await import(pathToFileURL(outfile).href);
  console.log(`\n## ${name}`);
  await module.default((line) => console.log(line));
}
