// Faults in a run of 40 actions, again and again: `npm run soak -- 200 7` (rounds, seed). Ends with a table and the exit code.
import { build } from "esbuild";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..");
const [rounds = "200", seed = "1"] = process.argv.slice(2);
const outfile = join(root, ".aquifer", "soak", "faults.mjs");
await mkdir(join(root, ".aquifer", "soak"), { recursive: true });
await build({
  entryPoints: [join(root, "tests/support/faults.ts")],
  outfile,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "warning",
});
const { FaultRig, faults, phases, seeded } = await import(pathToFileURL(outfile).href);
const random = seeded(Number(seed));
const rig = await FaultRig.make(join(root, "bin/dataform.js"));
const hits = [];
try {
  for (let round = 0; round < Number(rounds); round++) {
    const fault = faults[round % faults.length];
    const hit = await rig.inject(fault, rarest(fault), random);
    hits.push(hit);
    const tail = hit.broken.length === 0 ? "" : `\n  BROKEN ${hit.broken.join("\n  BROKEN ")}`;
    console.log(
      `${round + 1} ${hit.fault} while ${hit.phase}: ${hit.done} done, ${hit.retried} retried${tail}`,
    );
  }
} finally {
  await rig.close();
}
/** The phase that this fault hit least so far; one that cannot be reached is not asked for again and again. */
function rarest(fault) {
  const hitsOf = (phase) =>
    hits.filter((hit) => hit.fault === fault && (hit.phase === phase || hit.wanted === phase)).length;
  return phases.toSorted((a, b) => hitsOf(a) - hitsOf(b))[0];
}
console.log(`\n| | ${phases.join(" | ")} | broken promises |\n|---|${"---|".repeat(phases.length + 1)}`);
for (const fault of faults) {
  const own = hits.filter((hit) => hit.fault === fault);
  const counts = phases.map((phase) => own.filter((hit) => hit.phase === phase).length);
  console.log(`| ${fault} | ${counts.join(" | ")} | ${own.filter((hit) => hit.broken.length > 0).length} |`);
}
const broken = hits.filter((hit) => hit.broken.length > 0).length;
console.log(`\n${hits.length - broken} passed, ${broken} failed`);
process.exit(broken === 0 ? 0 : 1);
