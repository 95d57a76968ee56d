import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { watchProject } from "../../src/cli/watch-project.js";
import { emptyFolder } from "./support.js";

test("sees folders that are made, removed and made again, and nothing of what is not the project's", async () => {
  const root = emptyFolder();
  const path = (name: string): string => join(root, name);
  let calls = 0;
  const stopping = new AbortController();
  const done = watchProject(root, stopping.signal, async () => {
    calls += 1;
  });
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 400));
  const sees = async (what: string, change: () => void): Promise<void> => {
    await settled();
    const before = calls;
    change();
    await vi.waitFor(() => expect(calls, what).toBeGreaterThan(before), { timeout: 20_000 });
  };
  const overlooks = async (what: string, change: () => void): Promise<void> => {
    await settled();
    const before = calls;
    change();
    await settled();
    expect(calls, what).toBe(before);
  };
  await overlooks("a folder of others", () => mkdirSync(path("raw/shop"), { recursive: true }));
  await sees("definitions made", () => mkdirSync(path("definitions/shop"), { recursive: true }));
  await sees("a file in them", () => writeFileSync(path("definitions/shop/a.sqlx"), "select 1"));
  await sees("tests made", () => mkdirSync(path("tests")));
  await sees("tests/models made", () => mkdirSync(path("tests/models")));
  await sees("a unit test", () => writeFileSync(path("tests/models/a.sqlx"), "select 1"));
  await overlooks("a test of another kind", () => writeFileSync(path("tests/a.test.ts"), ""));
  await sees("definitions removed", () => rmSync(path("definitions"), { recursive: true }));
  await sees("definitions made again", () => mkdirSync(path("definitions")));
  await sees("a file in those", () => writeFileSync(path("definitions/b.sqlx"), "select 1"));
  await sees("a setting", () => writeFileSync(path("dataform.json"), "{}"));
  stopping.abort();
  await done;
});
