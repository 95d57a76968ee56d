import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";
import { resetEmbedded } from "../../src/warehouse/embedded/embedded-server.js";

/** An empty folder with a `dataform.json`, removed after the test together with its embedded server. */
export function projectFolder(options: { readonly mode?: number } = {}): string {
  const folder = makeFolder(options.mode);
  writeFileSync(join(folder, "dataform.json"), '{"warehouse": "postgres", "defaultSchema": "public"}');
  onTestFinished(async () => {
    await resetEmbedded(folder);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** An empty folder for all tests of a file. */
export function temporaryFolder(): string {
  const folder = makeFolder();
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function makeFolder(mode = 0o755): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "aquifer-project-")));
  chmodSync(folder, mode);
  return folder;
}
