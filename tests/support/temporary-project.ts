import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** Settings of a PostgreSQL project as a test needs them. */
export const settings = JSON.stringify({
  warehouse: "postgres",
  defaultSchema: "silver",
  assertionSchema: "quality",
});

/**
 * A project in a folder of its own, removed when the test ends.
 *
 * @param files text by path; `dataform.json` is added unless given
 */
export function temporaryProject(files: Readonly<Record<string, string>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "aquifer-project-")));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const hasSettings = "dataform.json" in files || "workflow_settings.yaml" in files;
  for (const [path, text] of Object.entries(hasSettings ? files : { "dataform.json": settings, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}
