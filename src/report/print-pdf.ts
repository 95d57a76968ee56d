import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { AquiferError, exitCodes } from "../base/errors.js";
import { writeWhole } from "../base/write-whole.js";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"];
const elsewhere = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];

/**
 * The browser that prints: `CHROMIUM_PATH`, else the first of Chromium, Chrome and Edge on the PATH or in its usual place.
 *
 * @throws AquiferError `no-browser`
 */
export function findBrowser(env: Readonly<Record<string, string | undefined>>): string {
  const given = env["CHROMIUM_PATH"];
  const onPath = (env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .flatMap((folder) => names.flatMap((name) => [join(folder, name), join(folder, `${name}.exe`)]));
  const found = given === undefined ? [...onPath, ...elsewhere].find((path) => existsSync(path)) : given;
  if (found !== undefined && existsSync(found)) return found;
  throw new AquiferError(
    given === undefined
      ? "No browser to print with was found"
      : `CHROMIUM_PATH names ${given}, which does not exist`,
    {
      code: "no-browser",
      exitCode: exitCodes.usage,
      hint: "Install Chromium (apt-get install chromium), or set CHROMIUM_PATH to Chromium, Chrome or Edge.",
    },
  );
}

/** Prints a page that was built, as a reader's browser would on A4, beside it: `orders.html` as `orders.pdf`. */
export async function printPdf(browser: string, page: string, signal: AbortSignal): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aquifer-pdf-"));
  try {
    const printed = join(folder, "page.pdf");
    await runBrowser(
      browser,
      [
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // Chromium refuses to sandbox root's processes; the page is our own and may fetch nothing.
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
        `--user-data-dir=${join(folder, "profile")}`,
        // Time passes at once until the page's script is done.
        "--virtual-time-budget=10000",
        "--no-pdf-header-footer",
        `--print-to-pdf=${printed}`,
        pathToFileURL(page).href,
      ],
      signal,
    );
    const path = page.replace(/\.html$/, ".pdf");
    await writeWhole(path, await readFile(printed));
    return path;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function runBrowser(browser: string, options: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(browser, options, { stdio: ["ignore", "ignore", "pipe"], signal, timeout: 60_000 });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const failed = (why: string): void =>
      reject(
        new AquiferError(`${browser} printed no PDF: ${why}`, {
          code: "no-pdf",
          details: said.trim().split("\n").slice(-3),
        }),
      );
    child.on("error", (error) => failed(error.message));
    child.on("close", (code) => (code === 0 ? resolve() : failed(`it ended with ${code ?? "a signal"}`)));
  });
}
