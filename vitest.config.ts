import { tmpdir } from "node:os";
import { defineConfig } from "vitest/config";
import { fileURLToPath } from "node:url";
import { memoryFolder } from "./tests/support/memory-folder.js";

// The temporary folder of this process and of all workers and commands below it.
process.env["TMPDIR"] ??= memoryFolder() ?? tmpdir();

export default defineConfig({
  resolve: {
    alias: {
      "aquifer/charts": fileURLToPath(new URL("./src/report/charts/index.ts", import.meta.url)),
      aquifer: fileURLToPath(new URL("./src/index.ts", import.meta.url)),
    },
  },
  test: {
    include: ["tests/**/*.test.ts"],
    globalSetup: ["tests/support/global-setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
