import { watch, type FSWatcher } from "node:fs";
import { join, sep } from "node:path";

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
  const notice = (_: string, path: string | null): void => {
    const changed = path?.split(sep).join("/");
    if (
      changed !== undefined &&
      !settings.includes(changed) &&
      !folders.some((each) => changed.startsWith(`${each}/`))
    )
      return;
    isDirty = true;
    wake?.();
  };
  // Folders that hold much else (node_modules, raw) are watched on their first level only.
  const watchers: FSWatcher[] = [watch(projectRoot, { signal }, notice)];
  for (const folder of folders) {
    try {
      watchers.push(
        watch(join(projectRoot, folder), { recursive: true, signal }, (event, path) =>
          notice(event, `${folder}/${path ?? ""}`),
        ),
      );
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
    }
  }
  signal.addEventListener("abort", () => wake?.(), { once: true });
  while (!signal.aborted) {
    if (isDirty) {
      isDirty = false;
      await onChange();
      continue;
    }
    await new Promise<void>((resolve) => (wake = resolve));
    await new Promise((resolve) => setTimeout(resolve, settleMs));
  }
  for (const watcher of watchers) watcher.close();
}
