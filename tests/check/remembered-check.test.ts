import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { AquiferError } from "../../src/base/errors.js";
import type { CheckMemory } from "../../src/check/check-memory.js";
import { checkProject, type CheckResult } from "../../src/check/check-project.js";
import { toActions } from "../../src/project/action.js";
import { compileProject } from "../../src/project/compile.js";
import type { CompiledProject } from "../../src/project/compiled-project.js";
import { Random } from "../../src/project/random.js";
import { temporaryProject } from "../support/temporary-project.js";
import { sharedServer } from "./check-support.js";
import { EditedProject } from "./edited-project.js";

const edits = Number(process.env["AQUIFER_EDITS"] ?? 25);
const seed = Number(process.env["AQUIFER_SEED"] ?? 1);

it(
  "finds with a memory what it finds without, whatever was edited",
  { timeout: edits * 20_000 },
  async () => {
    const edited = new EditedProject(new Random(seed), 30);
    const folder = new Folder(temporaryProject({}));
    const log: string[] = [];
    let memory: CheckMemory | undefined;
    let quick = 0;
    for (let edit = 0; edit < edits; edit++) {
      if (edit > 0) log.push(edited.edit());
      folder.hold(edited.files);
      const project = await compiled(folder.root);
      if (project === undefined) {
        log.push("  does not compile");
        continue;
      }
      const options = {
        ...{ project, server: sharedServer(), known: edited.known, reports: edited.reports },
        ...{ relationOf: (each: { schema: string; name: string }) => each, historySchema: "aquifer" },
      };
      const whole = await checkProject(options);
      const remembered = await checkProject(memory === undefined ? options : { ...options, memory });
      const { findings, unchecked, anew } = remembered;
      log.push(`  ${findings.length} findings, ${unchecked.size} not checked, ${anew ?? "all"} judged anew`);
      expect(said(remembered), log.join("\n")).toEqual(said(whole));
      ({ memory } = remembered);
      if (anew !== undefined && anew < 15) quick += 1;
    }
    expect(quick, log.join("\n")).toBeGreaterThan(edits / 3);
  },
);

function said({ findings, unchecked, model, actions, queries, tests, memory }: CheckResult): object {
  return { findings, unchecked: [...unchecked], model, actions, queries, tests, memory };
}

/** Undefined for a project that is refused before it is checked. */
async function compiled(root: string): Promise<CompiledProject | undefined> {
  try {
    const project = await compileProject({ projectRoot: root });
    toActions(project);
    return project;
  } catch (thrown) {
    if (!(thrown instanceof AquiferError)) throw thrown;
    return undefined;
  }
}

/** A folder whose files are written only when they change. */
class Folder {
  private held: Readonly<Record<string, string>> = {};

  constructor(readonly root: string) {}

  hold(files: Readonly<Record<string, string>>): void {
    for (const path of Object.keys(this.held)) if (!(path in files)) rmSync(join(this.root, path));
    for (const [path, text] of Object.entries(files)) {
      if (this.held[path] === text) continue;
      mkdirSync(dirname(join(this.root, path)), { recursive: true });
      writeFileSync(join(this.root, path), text);
    }
    this.held = files;
  }
}
