import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { AquiferError, exitCodes } from "../base/errors.js";

/** Where a Dataform project lies and which file makes it one. */
export interface FoundProject {
  /** Absolute path. */
  readonly root: string;
  readonly settingsFile: "workflow_settings.yaml" | "dataform.json";
}

/**
 * The project in a folder.
 *
 * @throws AquiferError `no-project` when the folder holds no settings file
 */
export function findProject(folder: string): FoundProject {
  const root = resolve(folder);
  for (const settingsFile of ["workflow_settings.yaml", "dataform.json"] as const) {
    if (existsSync(join(root, settingsFile))) return { root, settingsFile };
  }
  throw new AquiferError(
    `${root} is not a Dataform project: it has no dataform.json or workflow_settings.yaml`,
    {
      code: "no-project",
      exitCode: exitCodes.usage,
      hint: "Change to the project's folder, name it as an argument, or start one with: dataform init",
    },
  );
}
