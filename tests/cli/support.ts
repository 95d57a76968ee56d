import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { quoteRelation } from "../../src/base/identifiers.js";
import { scaffold } from "../../src/project/scaffold.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";

export const repository = fileURLToPath(new URL("../../", import.meta.url));

/** What a process said and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Hears both streams as they come, and may send signals. */
  readonly onOutput?: (text: string, send: (signal: NodeJS.Signals) => void) => void;
}

/** Runs `dataform` as a user does: a process of its own, its streams in pipes, no server named but by `env`. */
export function dataform(argv: readonly string[], options: SpawnOptions): Promise<Ended> {
  return command(process.execPath, [join(repository, "bin/dataform.js"), ...argv], options);
}

/** As `dataform`, and it must succeed; what it wrote to stdout. */
export async function succeed(argv: readonly string[], options: SpawnOptions): Promise<string> {
  const ended = await dataform(argv, options);
  expect(ended.code, `dataform ${argv.join(" ")}\n${ended.stdout}${ended.stderr}`).toBe(0);
  return ended.stdout;
}

export function command(file: string, args: readonly string[], options: SpawnOptions): Promise<Ended> {
  return new Promise((resolve, fail) => {
    const env = { ...neutralEnvironment(), ...options.env };
    const child = spawn(file, args, { cwd: options.cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    const hear = (text: string): void => options.onOutput?.(text, (signal) => child.kill(signal));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      hear(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      hear(text);
    });
    child.on("error", fail);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** This process's environment without what would choose a server, a colour or a test mode for the command. */
export function neutralEnvironment(): NodeJS.ProcessEnv {
  const chosen = /^(DATABASE_URL|PG[A-Z]+|NO_COLOR|FORCE_COLOR|VITEST.*|NODE_ENV|npm_.*)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !chosen.test(name)));
}

/** Registers what undoes a preparation: after the test, or, handed over, after a suite. */
export type Release = (undo: () => void | Promise<void>) => void;

export function emptyFolder(release: Release = onTestFinished): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "aquifer-cli-")));
  release(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** The project that `dataform init` writes, with files added, replaced or (null) taken away. */
export function shop(
  changes: Readonly<Record<string, string | null>> = {},
  release: Release = onTestFinished,
): string {
  const root = emptyFolder(release);
  writeFiles(root, { ...scaffold({ name: "shop", aquiferVersion: "*" }), ...changes });
  return root;
}

/** Writes files by path; null removes one. */
export function writeFiles(root: string, files: Readonly<Record<string, string | null>>): void {
  for (const [path, text] of Object.entries(files)) {
    if (text === null) {
      rmSync(join(root, path), { recursive: true, force: true });
      continue;
    }
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** Every relation outside of the history schema: its identity, its columns, its rows. */
export async function databaseState(warehouse: Warehouse): Promise<unknown> {
  const { rows } = await warehouse.query(`
    select n.nspname as schema, c.relname as name, c.relkind as kind, c.oid::text as oid, c.relfilenode::text as file,
      obj_description(c.oid) as comment,
      array(select attname || ' ' || format_type(atttypid, atttypmod) from pg_attribute
        where attrelid = c.oid and attnum > 0 and not attisdropped order by attnum) as columns
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'aquifer') and c.relkind in ('r', 'v', 'm', 'p')
    order by 1, 2`);
  const relations = rows as readonly { schema: string; name: string }[];
  return Promise.all(
    relations.map(async (relation) => {
      const found = await warehouse.query(
        `select count(*)::int as rows, md5(string_agg(t::text, '|' order by t::text)) as digest from ${quoteRelation(relation)} as t`,
      );
      return { ...relation, ...found.rows[0] };
    }),
  );
}

/** Digests of all files below a folder, by path. */
export function folderState(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [
        relative(folder, file).split(sep).join("/"),
        createHash("sha256").update(readFileSync(file)).digest("hex"),
      ]),
  );
}
