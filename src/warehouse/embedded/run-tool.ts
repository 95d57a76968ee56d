import { spawn } from "node:child_process";
import type { ServerUser } from "./server-user.js";

export interface ToolResult {
  readonly code: number | null;
  /** stdout and stderr as they came. */
  readonly output: string;
}

/** Runs one of the server's programs to its end, as the account that runs the server. */
export function runTool(
  file: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly user: ServerUser | undefined },
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: toolEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
      ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
    });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", reject);
    // Not "close": on Windows the server that pg_ctl leaves behind holds these pipes open.
    child.on("exit", (code) =>
      setImmediate(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ code, output });
      }),
    );
  });
}

/** The user's PGDATA, PGPORT or PGOPTIONS are meant for another server, and LC_ALL may name a locale that is not installed. */
function toolEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/i.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: "C" };
}
