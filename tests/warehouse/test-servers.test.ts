import { expect, it, onTestFinished } from "vitest";
import { freshDatabase } from "../support/database.js";
import { describeOnServers } from "../support/servers.js";

describeOnServers("a test database", (major) => {
  it("is empty, of its own and on the wanted server", async () => {
    const one = await freshDatabase({ major });
    const other = await freshDatabase({ major });
    onTestFinished(async () => {
      await one.drop();
      await other.drop();
    });
    await one.warehouse.query("create table only_here (id int)");
    const found = await other.warehouse.query("select to_regclass('only_here') as found");
    expect(found.rows).toEqual([{ found: null }]);
    expect(Math.floor(one.warehouse.serverVersion / 10_000)).toBe(major);
  });
});
