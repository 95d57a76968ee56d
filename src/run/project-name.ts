import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CompiledProject } from "../project/compiled-project.js";

/**
 * The name under which a project's runs are kept: that of its package.json, its default schema and the suffix, so that
 * projects and copies in one database keep apart.
 */
export function projectName(project: CompiledProject): string {
  const { defaultSchema = "", schemaSuffix = "" } = project.graph.projectConfig ?? {};
  const name = packageName(project.root);
  return [
    ...(name === undefined ? [] : [`${name}:`]),
    defaultSchema,
    ...(schemaSuffix === "" ? [] : [`_${schemaSuffix}`]),
  ].join("");
}

function packageName(root: string): string | undefined {
  const file = join(root, "package.json");
  if (!existsSync(file)) return undefined;
  const { name } = JSON.parse(readFileSync(file, "utf8")) as { name?: unknown };
  return typeof name === "string" && name !== "" ? name : undefined;
}
