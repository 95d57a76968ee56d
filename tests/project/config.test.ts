import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDuration } from "../../src/base/duration.js";
import { loadConfig, resolveConfig } from "../../src/project/config.js";
import { plainFromStruct, structFromPlain, type PlainObject } from "../../src/project/struct.js";
import { temporaryProject } from "../support/temporary-project.js";

test("a project without aquifer.config.ts has the defaults", async () => {
  expect(await loadConfig(temporaryProject({}))).toEqual({
    timeouts: {},
    auditBeforePublish: true,
    operations: {},
    connections: {},
    historySchema: "aquifer",
  });
});

test("aquifer.config.ts is typed TypeScript, and its durations are read", async () => {
  const root = temporaryProject({
    "aquifer.config.ts": `import { defineConfig } from "aquifer";
      const minutes: number = 90;
      export default defineConfig({
        concurrency: 4, auditBeforePublish: false, serverVersion: 17, onFailure: "./alarm.sh",
        timeouts: { execution: \`\${minutes}m\` }, operations: { "ops.vacuum": { transaction: false } },
      });`,
  });
  expect(await loadConfig(root)).toMatchObject({
    concurrency: 4,
    auditBeforePublish: false,
    serverVersion: 17,
    onFailure: "./alarm.sh",
    timeouts: { execution: 5_400_000 },
    operations: { "ops.vacuum": { transaction: false } },
  });
});

test("an unknown key is an error that names the nearest, on every level", () => {
  expect(() => resolveConfig({ concurency: 4 })).toThrow(
    expect.objectContaining({
      message: "Unknown setting config.concurency",
      hint: 'Did you mean "concurrency"?',
    }) as Error,
  );
  expect(() => resolveConfig({ timeouts: { run: "1h" } })).toThrow("Unknown setting config.timeouts.run");
  expect(() => resolveConfig({ operations: { a: { transactions: true } } })).toThrow(
    expect.objectContaining({ hint: 'Did you mean "transaction"?' }) as Error,
  );
  expect(() => resolveConfig({ operations: ["a"] })).toThrow("config.operations must be an object");
});

test("a config without a default export says so", async () => {
  const root = temporaryProject({ "aquifer.config.ts": "export const config = {};" });
  await expect(loadConfig(root)).rejects.toThrow("There is no default export");
});

test.each([
  ["500ms", 500],
  ["30s", 30_000],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  ["2 min", 120_000],
])("the duration %s is %i milliseconds", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each(["", "10", "s", "10x", "1m 30", "-1s"])("%o is no duration", (text) => {
  expect(() => parseDuration(text)).toThrow("is not a duration");
});

test("plain JSON survives protobuf's Struct form, and both forms are read", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as PlainObject;
      fc.pre(!Object.prototype.hasOwnProperty.call(plain, "fields"));
      expect(plainFromStruct(structFromPlain(plain))).toEqual(plain);
      expect(plainFromStruct(structFromPlain(plain, "json"))).toEqual(plain);
      expect(structFromPlain(structFromPlain(plain))).toEqual(structFromPlain(plain));
    }),
  );
});
