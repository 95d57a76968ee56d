import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { resetEmbedded } from "../../src/warehouse/embedded/embedded-server.js";

/** An empty folder with a `dataform.json`, removed after the test together with its embedded server. */
export function projectFolder(options: { readonly mode?: number } = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "aquifer-project-")));
  chmodSync(folder, options.mode ?? 0o755);
  writeFileSync(join(folder, "dataform.json"), '{"warehouse": "postgres", "defaultSchema": "public"}');
  onTestFinished(async () => {
    await resetEmbedded(folder);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
