import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { bank } from "../../ingest/samples/bank.js";
import { dump, registration } from "../../ingest/bank.js";
import { Random, Weighted } from "../../src/project/random.js";
import { skipUnless } from "../support/skip.js";
import { ingestProject } from "./support.js";

interface Request {
  customers: number;
  months: number;
  seed: number;
}

function generate(request: Request): Map<string, string> {
  return new Map([...bank.files(request)].map(({ path, content }) => [path, [...content].join("")]));
}

const digest = (files: Map<string, string>): string =>
  createHash("sha256")
    .update(JSON.stringify([...files]))
    .digest("hex");

describe("the bank's sample", () => {
  test("is the same for the same seed and another for another", () => {
    const request = { customers: 500, months: 1, seed: 3 };
    expect(digest(generate(request))).toBe(digest(generate(request)));
    expect(digest(generate(request))).not.toBe(digest(generate({ ...request, seed: 4 })));
  });

  test("has every category's share within one point of the real file's at 100,000 rows", async (context) => {
    const path = "../shared/data/bank/bank-marketing-dataset.csv";
    skipUnless(context, existsSync(path), "the shared data is not here");
    const real = shares(await readFile(path, "utf8"));
    const made = shares(
      generate({ customers: 100_000, months: 0, seed: 5 }).get("bank-marketing-dataset.csv") ?? "",
    );
    for (const [category, share] of real) {
      expect(Math.abs(share - (made.get(category) ?? 0)), category).toBeLessThan(1);
    }
    for (const category of made.keys()) expect(real.has(category), category).toBe(true);
  });

  test("has a fixed number of rows with each flaw", () => {
    const lines = [...generate({ customers: 20_000, months: 2, seed: 9 })]
      .filter(([path]) => path.startsWith("marketing_bank/"))
      .flatMap(([, text]) => text.trimEnd().split("\n"));
    const rows = lines.slice(1).map((line) => line.split(","));
    const years = rows.map(([, , , , birth = ""]) => Number(birth.slice(6)));
    expect(lines[0]).toMatch(/^Timestamp,Email/);
    expect(lines.filter((line) => line.startsWith("Timestamp"))).toHaveLength(1);
    expect(rows.length - new Set(lines.slice(1)).size).toBe(10);
    expect(rows.filter(([, email]) => email === "")).toHaveLength(4);
    expect(rows.filter(([, , , , birth]) => birth === "31/02/1985")).toHaveLength(4);
    expect(rows.filter(([, email = ""]) => email !== email.trim())).toHaveLength(40);
    expect(years.filter((year) => year === 1900)).toHaveLength(2);
    expect(years.filter((year) => year === 2017)).toHaveLength(2);
    expect(rows).toHaveLength(2010);
  });

  test("loads", async () => {
    const files = [...generate({ customers: 300, months: 1, seed: 1 })];
    const project = await ingestProject(
      [dump, registration],
      Object.fromEntries(files.map(([path, text]) => [`raw/bank/${path}`, text])),
    );
    const result = await project.ingest();
    expect(result.waiting).toEqual([]);
    expect(await project.rows("select count(*) from bronze.bank_dump")).toEqual([["300"]]);
    expect(
      await project.rows("select count(*), count(distinct _period) > 5 from bronze.bank_registration"),
    ).toEqual([["16", true]]);
  });
});

/** Per cent of the rows by `column=value`; ages by decade. */
function shares(text: string): Map<string, number> {
  const [header = "", ...lines] = text.trimEnd().split("\n");
  const names = header.split(",");
  const counts = new Map<string, number>();
  for (const line of lines) {
    for (const [index, value] of line.split(",").entries()) {
      const name = names[index] ?? "";
      const key = `${name}=${name === "age" ? `${value.slice(0, -1)}0s` : value}`;
      counts.set(key, (counts.get(key) ?? 0) + 100 / lines.length);
    }
  }
  return counts;
}

describe("random numbers", () => {
  test("are spread evenly and drawn by their weights", () => {
    const random = Random.of(1, "test");
    const weighted = new Weighted([
      ["a", 1],
      ["b", 0],
      ["c", 3],
    ] as const);
    const drawn = Array.from({ length: 40_000 }, () => weighted.draw(random));
    expect(drawn.filter((item) => item === "b")).toHaveLength(0);
    expect(drawn.filter((item) => item === "a").length / 40_000).toBeCloseTo(0.25, 1.7);
    const uniform = Array.from({ length: 40_000 }, () => random.next());
    expect(uniform.reduce((sum, number) => sum + number, 0) / 40_000).toBeCloseTo(0.5, 1.7);
    expect(uniform.every((number) => number >= 0 && number < 1)).toBe(true);
  });
});
