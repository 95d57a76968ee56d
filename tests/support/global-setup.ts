import { execFileSync } from "node:child_process";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Connection URL of a superuser on the server that all tests share. */
    serverUrl: string;
  }
}

/** Builds `dist/` once (workers and spawned commands run from there) and finds the server of the tests. */
export default function setup(project: TestProject): void {
  execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
  const url = process.env["AQUIFER_TEST_URL"];
  if (url === undefined) throw new Error("set AQUIFER_TEST_URL");
  project.provide("serverUrl", url);
}
