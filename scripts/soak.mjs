// Faults again and again, in runs of 40 actions or in loads of every form: `npm run soak -- 200 7 loads` (rounds, seed, and
// `runs` or `loads`). Ends with a table and the exit code.
import { build } from "esbuild";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..");
const cli = join(root, "bin/dataform.js");
const [rounds = "200", seed = "1", kind = "runs"] = process.argv.slice(2);
const { FaultRig, faults, phases, seeded } = await bundled("faults");
const { LoadRig, loadFaults, loadForms, loadPhases } = await bundled("load-faults");

const kinds = {
  runs: {
    faults,
    phases,
    make: () => FaultRig.make(cli),
    inject: (rig, _round, ...rest) => rig.inject(...rest),
    describe: (hit) => `${hit.done} done, ${hit.retried} retried`,
  },
  loads: {
    faults: loadFaults,
    phases: loadPhases,
    make: () => LoadRig.make(cli),
    // Each form meets every fault.
    inject: (rig, round, ...rest) =>
      rig.inject(loadForms[Math.floor(round / loadFaults.length) % loadForms.length], ...rest),
    describe: (hit) => `a load of ${hit.form}`,
  },
};
const tried = kinds[kind];
if (tried === undefined) {
  console.error(`${kind} is neither ${Object.keys(kinds).join(" nor ")}`);
  process.exit(2);
}

const random = seeded(Number(seed));
const rig = await tried.make();
const hits = [];
try {
  for (let round = 0; round < Number(rounds); round++) {
    const fault = tried.faults[round % tried.faults.length];
    const hit = await tried.inject(rig, round, fault, rarest(fault), random);
    hits.push(hit);
    const tail = hit.broken.length === 0 ? "" : `\n  BROKEN ${hit.broken.join("\n  BROKEN ")}`;
    console.log(`${round + 1} ${hit.fault} while ${hit.phase}: ${tried.describe(hit)}${tail}`);
  }
} finally {
  await rig.close();
}

/** The phase that this fault hit least so far; one that cannot be reached is not asked for again and again. */
function rarest(fault) {
  const hitsOf = (phase) =>
    hits.filter((hit) => hit.fault === fault && (hit.phase === phase || hit.wanted === phase)).length;
  return tried.phases.toSorted((a, b) => hitsOf(a) - hitsOf(b))[0];
}
console.log(
  `\n| | ${tried.phases.join(" | ")} | broken promises |\n|---|${"---|".repeat(tried.phases.length + 1)}`,
);
for (const fault of tried.faults) {
  const own = hits.filter((hit) => hit.fault === fault);
  const counts = tried.phases.map((phase) => own.filter((hit) => hit.phase === phase).length);
  console.log(`| ${fault} | ${counts.join(" | ")} | ${own.filter((hit) => hit.broken.length > 0).length} |`);
}
const broken = hits.filter((hit) => hit.broken.length > 0).length;
console.log(`\n${hits.length - broken} passed, ${broken} failed`);
process.exit(broken === 0 ? 0 : 1);

/** A module of the tests, made loadable. */
async function bundled(name) {
  const outfile = join(root, ".aquifer", "soak", `${name}.mjs`);
  await mkdir(join(root, ".aquifer", "soak"), { recursive: true });
  await build({
    entryPoints: [join(root, "tests/support", `${name}.ts`)],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  return import(pathToFileURL(outfile).href);
}
