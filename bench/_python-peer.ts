import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/** Where peers are installed; kept between runs, since installing takes longer than measuring. */
export const peers = join(process.cwd(), ".aquifer", "bench", "peers");

const packages = {
  dbt: ["dbt-core<1.12", "dbt-postgres<1.11"],
  sqlmesh: ["sqlmesh[postgres]"],
};

/** The program of a peer in a virtual environment of its own; undefined where it does not install. */
export function pythonPeer(name: keyof typeof packages): string | undefined {
  const home = join(peers, name);
  const program = join(home, "bin", name);
  if (!existsSync(program)) {
    mkdirSync(peers, { recursive: true });
    spawnSync("python3", ["-m", "venv", home]);
    spawnSync(join(home, "bin", "pip"), ["install", "-q", ...packages[name]]);
  }
  return existsSync(program) ? program : undefined;
}
