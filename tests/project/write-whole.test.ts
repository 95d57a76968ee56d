import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { writeWhole } from "../../src/base/write-whole.js";

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "aquifer-write-"));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

it("writes into folders that it makes, and over what is there", async () => {
  const root = await folder();
  await writeWhole(join(root, "a/b.html"), "one");
  await writeWhole(join(root, "a/b.html"), "two");
  expect(await readFile(join(root, "a/b.html"), "utf8")).toBe("two");
  expect(await readdir(join(root, "a"))).toEqual(["b.html"]);
});

it("leaves what was there, and nothing else, when it fails", async () => {
  const root = await folder();
  // A folder that holds something cannot be replaced by a file.
  await mkdir(join(root, "page.html/inside"), { recursive: true });
  await expect(writeWhole(join(root, "page.html"), "new")).rejects.toThrow();
  expect(await readdir(root)).toEqual(["page.html"]);
});

it("never shows a reader a part", async () => {
  const path = join(await folder(), "page.html");
  const versions = ["a", "b"].map((letter) => letter.repeat(2_000_000));
  await writeWhole(path, versions[0] ?? "");
  let isWriting = true;
  const writing = (async () => {
    for (let turn = 0; turn < 20; turn++) await writeWhole(path, versions[turn % 2] ?? "");
    isWriting = false;
  })();
  while (isWriting) {
    const seen = await readFile(path, "utf8");
    expect(versions.includes(seen)).toBe(true);
  }
  await writing;
});
