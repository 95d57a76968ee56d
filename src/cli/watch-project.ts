import { existsSync, watch, type FSWatcher } from "node:fs";
import { dirname, join, sep } from "node:path";

const settings = ["dataform.json", "workflow_settings.yaml", "aquifer.config.ts", "sources.json"];

/** Folders whose files change what is compiled. */
const compiled = ["definitions", "includes", "tests/models"];

/**
 * Calls back at once and then after every change of the project, one call at a time, until the signal is aborted. Changes
 * that come together (an editor that writes twice, a checkout) are one.
 *
 * @param onChange its errors are its own to report
 * @param folders what is watched besides the project's settings
 */
export async function watchProject(
  projectRoot: string,
  signal: AbortSignal,
  onChange: () => Promise<void>,
  folders: readonly string[] = compiled,
): Promise<void> {
  const settleMs = 100;
  let wake: (() => void) | undefined;
  let isDirty = true;
  const notice = (path: string): void => {
    const changed = path.split(sep).join("/");
    // A folder that came or went: whatever watched one of that name watches nothing now.
    const moved = folders.filter((each) => each === changed || each.startsWith(`${changed}/`));
    moved.forEach(forget);
    const isRead = settings.includes(changed) || folders.some((each) => changed.startsWith(`${each}/`));
    if (moved.length === 0 && !isRead) return;
    isDirty = true;
    wake?.();
  };
  const watchers = new Map<string, FSWatcher>();
  const attach = (folder: string, recursive: boolean): void => {
    if (watchers.has(folder) || !existsSync(join(projectRoot, folder))) return;
    const prefix = folder === "" ? "" : `${folder}/`;
    const watcher = watch(join(projectRoot, folder), { recursive, signal }, (_, path) =>
      notice(path === null ? (settings[0] ?? "") : prefix + path),
    );
    watcher.on("error", () => forget(folder));
    watchers.set(folder, watcher);
  };
  const forget = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const attachAll = (): void => {
    for (const folder of watchers.keys()) if (!existsSync(join(projectRoot, folder))) forget(folder);
    // Folders that hold much else (node_modules, raw) are watched on their first level only.
    attach("", false);
    for (const folder of folders) {
      attach(dirname(folder) === "." ? "" : dirname(folder), false);
      attach(folder, true);
    }
  };
  attachAll();
  signal.addEventListener("abort", () => wake?.(), { once: true });
  while (!signal.aborted) {
    if (isDirty) {
      isDirty = false;
      attachAll();
      await onChange();
      continue;
    }
    await new Promise<void>((resolve) => (wake = resolve));
    await new Promise((resolve) => setTimeout(resolve, settleMs));
  }
  for (const watcher of watchers.values()) watcher.close();
}
