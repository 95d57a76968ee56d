import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { kafkaBroker, type KafkaBroker } from "../support/kafka.js";
import { describeOnServers, type ServerMajor } from "../support/servers.js";
import { skipUnless } from "../support/skip.js";
import {
  addRaw,
  type Bank,
  bankOn,
  bankProject,
  realData,
  message,
  registration,
  registrationHeader,
} from "./support.js";

const day = (date: string): string => `marketing_bank/${date}/combined_data_${date}.csv`;
const dumpHeader = "age,job,marital,education,default,housing,loan\n";

async function built(
  raw: Readonly<Record<string, string>>,
  major?: ServerMajor,
  broker?: KafkaBroker,
): Promise<Bank & { root: string }> {
  const root = bankProject(raw);
  const env = broker ? { BANK_KAFKA_URL: `kafka://${broker.address}` } : {};
  const bank = await bankOn(root, onTestFinished, major, env);
  await bank.command("ingest");
  await bank.command("run");
  return { ...bank, root };
}

const factRows = async (bank: Bank): Promise<unknown> =>
  (await bank.rows("select count(*)::int as count from gold.bank_fact_bank_marketing"))[0]?.["count"];

describe("daily registration files", () => {
  it("give 3 registrations for the real sample of 4 rows, one an exact copy", async (context) => {
    const sample = join(realData, "registrations_headerless_sample.csv");
    skipUnless(context, existsSync(sample), `${sample} is absent`);
    const bank = await built({ [day("2020-11-11")]: readFileSync(sample, "utf8") });
    expect(
      await bank.rows(`
        select registered_month, age_group, job_type, education_type, marital_type, has_housing
        from gold.bank_marketing order by age_group`),
    ).toEqual(
      [
        { age_group: "20s", job_type: "admin", education_type: "high school", marital_type: "divorced" },
        {
          age_group: "30s",
          job_type: "technician",
          education_type: "professional course",
          marital_type: "single",
        },
        {
          age_group: "40s",
          job_type: "management",
          education_type: "university degree",
          marital_type: "married",
        },
      ].map((row) => ({ registered_month: "2020-11-01", ...row, has_housing: 0 })),
    );
    expect(await bank.rows("select row_number::int from silver.bank_record where is_duplicate")).toEqual([
      { row_number: 4 },
    ]);
  });

  it("load the same with a header on the first day only", async () => {
    const bank = await built({
      [day("2020-11-10")]: registrationHeader + registration({ email: "a@example.org" }),
      [day("2020-11-11")]:
        registration({ email: "b@example.org" }) + registration({ email: "c@example.org" }),
    });
    expect(
      await bank.rows("select email, first_name, birth_date from silver.bank_customer_contact order by 1"),
    ).toEqual(
      ["a", "b", "c"].map((name) => ({
        email: `${name}@example.org`,
        first_name: "Annabel",
        birth_date: "1980-12-14",
      })),
    );
  });

  it("keep the id of a person who registers again, and give the campaign the latest profile", async () => {
    const bank = await built({
      [day("2020-11-11")]: registration({ housing: "no", job: "student" }),
      [day("2020-12-13")]: registration({
        timestamp: "13/12/2020 10:00:00",
        email: " ANN@Example.org ",
        lastName: "Newname",
        job: "technician",
        housing: "yes",
      }),
      [day("2020-12-01")]: registration({ timestamp: "01/12/2020 10:00:00", job: "services" }),
    });
    expect(
      await bank.rows(
        "select count(distinct customer_id)::int as customers, count(*)::int as facts from gold.bank_marketing",
      ),
    ).toEqual([{ customers: 1, facts: 3 }]);
    expect(
      await bank.rows(
        "select job_type, has_housing, is_target, registered_month from gold.bank_profile_feed",
      ),
    ).toEqual([{ job_type: "technician", has_housing: 1, is_target: 0, registered_month: "2020-12-01" }]);
    expect(await bank.rows("select email, last_name from silver.bank_customer_contact")).toEqual([
      { email: "ann@example.org", last_name: "Newname" },
    ]);
    expect(await bank.rows("select sum(customers)::int as customers from gold.bank_segment_summary")).toEqual(
      [{ customers: 1 }],
    );
  });

  it("partition the fact by month as the data needs", async () => {
    const bank = await built({
      [day("2020-11-11")]: registration(),
      [day("2021-02-01")]: registration({ timestamp: "01/02/2021 00:00:00", email: "b@example.org" }),
      "bank-marketing-dataset.csv": `${dumpHeader}40,admin.,single,basic.4y,no,no,no\n`,
    });
    expect(
      await bank.rows(`
        select pg_get_expr(child.relpartbound, child.oid) as bound,
          (select count(*)::int from gold.bank_fact_bank_marketing as fact where fact.tableoid = child.oid) as rows
        from pg_inherits join pg_class as child on child.oid = inhrelid
        where inhparent = 'gold.bank_fact_bank_marketing'::regclass
        order by 1`),
    ).toEqual([
      { bound: "DEFAULT", rows: 1 },
      { bound: "FOR VALUES FROM ('2020-11-01') TO ('2020-12-01')", rows: 1 },
      { bound: "FOR VALUES FROM ('2021-02-01') TO ('2021-03-01')", rows: 1 },
    ]);
  });

  it("drop the rows of a file that was corrected, and give the same ids as ever for the rest", async () => {
    const bank = await built({
      [day("2020-11-11")]: registration() + registration({ email: "wrong@example.org" }),
    });
    const idOfAnn = "select customer_id from silver.bank_customer_contact where email = 'ann@example.org'";
    const before = await bank.rows(idOfAnn);
    addRaw(bank.root, { [day("2020-11-11")]: registration() + registration({ email: "right@example.org" }) });
    await bank.command("ingest");
    await bank.command("run");
    expect(await bank.rows(idOfAnn)).toEqual(before);
    expect(await bank.rows("select email from silver.bank_customer_contact order by 1")).toEqual([
      { email: "ann@example.org" },
      { email: "right@example.org" },
    ]);
  });
});

describeOnServers("bad rows", (major) => {
  it("are rejected with their reasons, and the unit tests pass", async () => {
    const raw = {
      [day("2020-11-11")]:
        registration() +
        registration() +
        registration({ email: "" }) +
        registration({ birthDate: "31/02/1990" }) +
        registration({ birthDate: "12/11/2010" }) +
        registration({ birthDate: "11/11/1920" }) +
        registration({ timestamp: "yesterday" }),
      "bank-marketing-dataset.csv": `${dumpHeader}9,admin.,single,basic.4y,no,no,no\n40,admin.,single,basic.4y,no,no,no\n100,admin.,single,basic.4y,no,no,no\n`,
    };
    const bank = await built(raw, major);
    expect(
      await bank.rows(
        "select source, row_number::int, reject_reason from silver.bank_rejected order by source, row_number",
      ),
    ).toEqual([
      { source: "dump", row_number: 1, reject_reason: "age below 10" },
      { source: "dump", row_number: 3, reject_reason: "age 100 and above" },
      { source: "registration", row_number: 3, reject_reason: "blank email" },
      { source: "registration", row_number: 4, reject_reason: "invalid birth date" },
      { source: "registration", row_number: 5, reject_reason: "age below 10" },
      { source: "registration", row_number: 6, reject_reason: "age 100 and above" },
      { source: "registration", row_number: 7, reject_reason: "invalid timestamp" },
    ]);
    expect(await factRows(bank)).toBe(2);
    expect(await bank.command("test")).toContain("10 passed, 0 failed");
  });
});

describe("any subset of the inputs", () => {
  it("runs with the dump only", async () => {
    const bank = await built({
      "bank-marketing-dataset.csv": `${dumpHeader}40,admin.,single,basic.4y,no,no,no\n`,
    });
    expect(await factRows(bank)).toBe(1);
  });

  it("runs with registrations that came by topic only", async (context) => {
    const broker = await kafkaBroker(context);
    broker.send("data_bank_marketing", 0, [message(), message()]);
    const bank = await built({}, 18, broker);
    expect(await factRows(bank)).toBe(1);
    expect(await bank.rows("select source, is_duplicate from silver.bank_record order by 2")).toEqual([
      { source: "stream", is_duplicate: false },
      { source: "stream", is_duplicate: true },
    ]);
  });

  it("counts a registration once that came by file and by topic", async (context) => {
    const broker = await kafkaBroker(context);
    broker.send("data_bank_marketing", 0, [message()]);
    const bank = await built({ [day("2020-11-11")]: registration() }, 18, broker);
    expect(await factRows(bank)).toBe(1);
  });

  it("runs with nothing at all: every table is there and empty", async () => {
    const bank = await built({});
    expect(await factRows(bank)).toBe(0);
    expect(await bank.rows("select count(*)::int as count from gold.bank_dim_job")).toEqual([{ count: 12 }]);
    expect(await bank.rows("select * from gold.bank_target_market")).toEqual([]);
  });
});
