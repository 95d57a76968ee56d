import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { dataform } from "../support/command-line.js";
import { freshDatabase } from "../support/database.js";
import type { ServerMajor } from "../support/servers.js";

const repository = fileURLToPath(new URL("../../", import.meta.url));
export const realData = join(repository, "../shared/data/bank");

/** Registers what undoes a preparation: after the test, or, handed over, after a suite. */
export type Release = (undo: () => void | Promise<void>) => void;

/** The repository's bank, as a project of its own with these raw files (text by path below raw/bank). */
export function bankProject(
  raw: Readonly<Record<string, string>> = {},
  release: Release = onTestFinished,
): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "aquifer-bank-")));
  release(() => rmSync(root, { recursive: true, force: true }));
  const seeds = readdirSync(join(repository, "seeds")).filter((name) => name.startsWith("bank_"));
  const parts = [
    "dataform.json",
    "includes",
    "definitions/bank",
    "ingest/bank.ts",
    "ingest/bank-registration.avsc",
    ...seeds.map((name) => `seeds/${name}`),
  ];
  for (const part of parts) {
    mkdirSync(dirname(join(root, part)), { recursive: true });
    cpSync(join(repository, part), join(root, part), { recursive: true });
  }
  addRaw(root, raw);
  return root;
}

/** What one of the project's `includes/*.js` exports. */
export function includeOf(root: string, name: string): unknown {
  return createRequire(import.meta.url)(join(root, "includes", `${name}.js`));
}

/** Adds or replaces raw files. */
export function addRaw(root: string, raw: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(raw)) {
    const file = join(root, "raw/bank", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

export interface Bank {
  /** Runs a command of `dataform` that must succeed; returns what it printed. */
  command(...argv: string[]): Promise<string>;
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** The project's commands on a database of its own. */
export async function bankOn(
  root: string,
  release: Release = onTestFinished,
  major: ServerMajor = 18,
  env: Readonly<Record<string, string>> = {},
): Promise<Bank> {
  const database = await freshDatabase({ major });
  release(() => database.drop());
  return {
    async command(...argv) {
      const result = await dataform(argv, { cwd: root, env: { ...env, DATABASE_URL: database.url } });
      expect(result.exitCode, `${argv.join(" ")}\n${result.stdout}${result.stderr}`).toBe(0);
      return result.stdout;
    },
    rows: async (sql) => (await database.warehouse.query(sql)).rows,
  };
}

/** A line of a daily registration file; only what a test is about needs to be said. */
export function registration(values: Partial<typeof someRegistration> = {}): string {
  return `${Object.values({ ...someRegistration, ...values }).join(",")}\n`;
}

/** The same registration as the value of a message, with the names that the topic gives its fields. */
export function message(values: Partial<typeof someRegistration> = {}): string {
  const { firstName, lastName, birthDate, ...rest } = { ...someRegistration, ...values };
  return JSON.stringify({ ...rest, first_name: firstName, last_name: lastName, birth_date: birthDate });
}

const someRegistration = {
  timestamp: "11/11/2020 06:05:36",
  email: "ann@example.org",
  firstName: "Annabel",
  lastName: "Leighton",
  birthDate: "14/12/1980",
  job: "admin.",
  marital: "single",
  education: "basic.4y",
  default: "no",
  housing: "no",
  loan: "yes",
};

export const registrationHeader =
  "Timestamp,Email,First Name,Last Name,Birth of Date,Job,Marital,Education,Default,Housing,Loan\n";
