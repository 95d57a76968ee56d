import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seeded } from "../support/faults.js";
import { loadFaults, loadForms, loadPhases, LoadRig } from "../support/load-faults.js";

const repository = join(import.meta.dirname, "../..");

describe("a load that something befalls", () => {
  let rig: LoadRig | undefined;
  beforeAll(async () => {
    rig = await LoadRig.make(join(repository, "bin/dataform.js"));
  });
  afterAll(() => rig?.close());

  const random = seeded(11);
  const cases = Array.from({ length: 10 }, (_, index) => ({
    form: loadForms[index % loadForms.length] ?? "text",
    fault: loadFaults[index % loadFaults.length] ?? "kill -9",
    phase: loadPhases[(index * 3 + 2) % loadPhases.length] ?? "copying",
  }));
  test.for(cases)(
    "$fault while a $form is $phase: one whole version is there all the time, and after a re-run each row once",
    async ({ form, fault, phase }) => {
      const hit = await rig?.inject(form, fault, phase, random);
      expect(hit?.broken).toEqual([]);
    },
  );
});
