import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FaultRig, faults, phases, seeded } from "../support/faults.js";

const repository = join(import.meta.dirname, "../..");

describe("a run of 40 actions that something befalls", () => {
  let rig: FaultRig | undefined;
  beforeAll(async () => {
    rig = await FaultRig.make(join(repository, "bin/dataform.js"));
  });
  afterAll(() => rig?.close());

  const random = seeded(7);
  const cases = Array.from({ length: 10 }, (_, index) => ({
    fault: faults[index % faults.length] ?? "kill -9",
    phase: phases[(index * 3 + 1) % phases.length] ?? "building",
  }));
  test.for(cases)(
    "$fault while $phase: the last good data serve, retry runs exactly the rest, nothing is left behind",
    async ({ fault, phase }) => {
      const hit = await rig?.inject(fault, phase, random);
      expect(hit?.broken).toEqual([]);
    },
  );
});
