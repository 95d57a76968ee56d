import { expect, onTestFinished, test } from "vitest";
import { dataform } from "../support/command-line.js";
import { freshDatabase } from "../support/database.js";
import { temporaryProject } from "../support/temporary-project.js";

const sample = `import { defineSample } from "aquifer";
export const shop = defineSample({
  name: "shop",
  defaults: { customers: 2, months: 1 },
  *tables({ customers }) {
    yield {
      connection: "till",
      table: "shop.sale",
      columns: { id: "bigint primary key", note: "text" },
      content: Array.from({ length: customers }, (_, index) => \`\${index},\${index === 0 ? "" : '""'}\\n\`),
    };
  },
});`;

async function tillProject() {
  const till = await freshDatabase({ maxSessions: 1 });
  onTestFinished(() => till.drop());
  const cwd = temporaryProject({ "ingest/samples/shop.ts": sample });
  const write = (...argv: string[]) =>
    dataform(["sample", ...argv], { cwd, env: { TILL_DATABASE_URL: till.url, DATABASE_URL: till.url } });
  return { cwd, till, write };
}

test("a sample's table lands in the database that its connection names, and replaces an earlier sample", async () => {
  const { till, write } = await tillProject();
  expect(await write("--customers", "5")).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("till: shop.sale  5 rows") as string,
  });
  expect(await write()).toMatchObject({ exitCode: 0 });
  const { rows } = await till.warehouse.query("select id, note from shop.sale order by id");
  expect(rows).toEqual([
    { id: "0", note: null },
    { id: "1", note: "" },
  ]);
});

test("a table that no sample wrote is left as it is", async () => {
  const { till, write } = await tillProject();
  await till.warehouse.query(
    "create schema shop; create table shop.sale (id int); insert into shop.sale values (7)",
  );
  const { exitCode, stderr } = await write();
  expect(exitCode).toBe(1);
  expect(stderr).toContain("was not written by a sample");
  const { rows } = await till.warehouse.query("select id from shop.sale");
  expect(rows).toEqual([{ id: 7 }]);
});

test("beside another warehouse a connection without a URL is an error that names the variable", async () => {
  const { cwd, till } = await tillProject();
  const { exitCode, stderr } = await dataform(["sample"], { cwd, env: { DATABASE_URL: till.url } });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('The connection "till" leads nowhere: TILL_DATABASE_URL is not set');
});
