import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { dataform } from "../support/command-line.js";
import { freshDatabase } from "../support/database.js";
import { bankOn, bankProject, includeOf, registration } from "./support.js";

const raw = { "marketing_bank/2020-11-11/combined_data_2020-11-11.csv": registration() };

/** Replaces text of one of the project's files. */
function edit(root: string, path: string, from: string, to: string): void {
  const text = readFileSync(join(root, path), "utf8");
  expect(text).toContain(from);
  writeFileSync(join(root, path), text.replace(from, to));
}

describe("personal data of the bank", () => {
  it("is found after bronze in silver.bank_customer_contact and nowhere else", async () => {
    const bank = await bankOn(bankProject(raw));
    await bank.command("ingest");
    await bank.command("run");
    const relations = await bank.rows(`
      select format('%I.%I', nspname, relname) as name
      from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where nspname in ('silver', 'gold', 'quality') and relkind in ('r', 'p', 'v', 'm')`);
    const telling = /ann@example|annabel|leighton|1980-12-14|14\/12\/1980/i;
    const holders: string[] = [];
    for (const { name } of relations) {
      const rows = await bank.rows(`select t::text as row from ${String(name)} as t`);
      if (rows.some(({ row }) => telling.test(String(row)))) holders.push(String(name));
    }
    expect(relations.length).toBeGreaterThan(40);
    expect(holders).toEqual(["silver.bank_customer_contact"]);
    // Nor can it be where rows would stand if an assertion failed.
    expect(
      await bank.rows(`
        select distinct attrelid::regclass::text as name
        from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace in ('silver'::regnamespace, 'gold'::regnamespace, 'quality'::regnamespace)
          and attname ~ 'email|first_name|last_name|birth'`),
    ).toEqual([{ name: "silver.bank_customer_contact" }]);
  });

  it.each([
    ["a value", "'ann@example.org' as note,"],
    ["a column", "null::text as first_name,"],
  ])("fails the assertion when %s of it reaches gold", async (_, column) => {
    const root = bankProject(raw);
    edit(
      root,
      "definitions/bank/gold/bank_profile_feed.sqlx",
      "select\n  marketing.customer_id,",
      `select\n  ${column} marketing.customer_id,`,
    );
    const database = await freshDatabase();
    onTestFinished(() => database.drop());
    const options = { cwd: root, env: { DATABASE_URL: database.url } };
    await dataform(["ingest"], options);
    const result = await dataform(["run"], options);
    expect(result.stdout + result.stderr).toContain(
      "Assertion failed:  quality.bank_gold_without_personal_data",
    );
    expect(result.exitCode).toBe(1);
  });

  it("may be read by the campaign role alone, and an assertion notices anybody else", async () => {
    const role = `campaign_${randomBytes(6).toString("hex")}`;
    const bank = await bankOn(bankProject(raw));
    await bank.rows(`create role ${role}`);
    onTestFinished(async () => {
      await bank.rows(`drop owned by ${role}`);
      await bank.rows(`drop role ${role}`);
    });
    await bank.command("ingest");
    await bank.command("run", "--vars", `bank_campaign_role=${role}`);
    const readers = `
      select pg_get_userbyid(grantee) as reader, privilege_type as privilege
      from pg_class, aclexplode(relacl)
      where oid = 'silver.bank_customer_contact'::regclass and grantee <> relowner`;
    expect(await bank.rows(readers)).toEqual([{ reader: role, privilege: "SELECT" }]);
    await bank.rows("grant select on silver.bank_customer_contact to public");
    await expect(bank.command("run", "--vars", `bank_campaign_role=${role}`)).rejects.toThrow(
      /Assertion failed: {2}quality.bank_contact_is_private/,
    );
  });

  it("is looked for in every table of gold", async () => {
    const root = bankProject();
    const { stdout } = await dataform(["compile", "--json", "--output-tags", "gold"], { cwd: root });
    const { tables } = JSON.parse(stdout) as { tables: { target: { name: string } }[] };
    const { gold } = includeOf(root, "bank") as { gold: string[] };
    expect(tables.map(({ target }) => target.name).sort()).toEqual([...gold].sort());
  });
});
