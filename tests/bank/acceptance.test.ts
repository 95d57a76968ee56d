import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { skipUnless } from "../support/skip.js";
import { type Bank, bankOn, bankProject, realData, type Release } from "./support.js";

const file = join(realData, "bank-marketing-dataset.csv");

interface Person {
  readonly ageGroup: string;
  readonly job: string;
  readonly marital: string;
  readonly education: string;
  readonly housing: string;
  readonly default: string;
}

/** The dump by the rules of the specification, in other words than the models'. */
function readPeople(): Person[] {
  const [, ...lines] = readFileSync(file, "utf8").trim().split(/\r?\n/);
  return lines.map((line) => {
    const [age = "", job = "", marital = "", education = "", inDefault = "", housing = ""] = line.split(",");
    return {
      ageGroup: `${age.slice(0, -1)}0s`,
      job: job.replace(/\.$/, ""),
      marital,
      education: education.startsWith("basic") ? "basic" : education.replace(".", " "),
      housing,
      default: inDefault,
    };
  });
}

function tally<T>(list: readonly T[], key: (each: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of list) counts[key(each)] = (counts[key(each)] ?? 0) + 1;
  return counts;
}

/** A project with the real dump as its only raw file. */
function withDump(release?: Release): string {
  const root = bankProject({}, release);
  mkdirSync(join(root, "raw/bank"), { recursive: true });
  cpSync(file, join(root, "raw/bank/bank-marketing-dataset.csv"));
  return root;
}

describe("the real dump of 41,188 customers", () => {
  let bank: Bank;
  let people: Person[] = [];
  const undo: (() => void | Promise<void>)[] = [];

  beforeAll(async () => {
    if (!existsSync(file)) return;
    people = readPeople();
    const release: Release = (each) => void undo.push(each);
    bank = await bankOn(withDump(release), release);
    await bank.command("ingest");
    await bank.command("run");
  });
  afterAll(async () => {
    for (const each of undo) await each();
  });
  beforeEach((context) => skipUnless(context, existsSync(file), `${file} is absent`));

  const counts = async (sql: string): Promise<Record<string, number>> =>
    Object.fromEntries((await bank.rows(sql)).map((row) => [String(row["key"]), Number(row["count"])]));
  const countsBy = (column: string): Promise<Record<string, number>> =>
    counts(`select ${column} as key, count(*) from gold.bank_marketing group by 1`);

  it("gives 41,188 customers, of whom 21,576 own a housing loan: 52.38 %", async () => {
    expect(
      await bank.rows(`
        select count(distinct customer_id)::int as customers, count(*)::int as registrations,
          count(*) filter (where has_housing = 1)::int as owners,
          round(100.0 * count(*) filter (where has_housing = 1) / count(*), 2)::text as rate
        from gold.bank_fact_bank_marketing`),
    ).toEqual([{ customers: 41188, registrations: 41188, owners: 21576, rate: "52.38" }]);
  });

  it("gives the specification's age groups", async () => {
    expect(await countsBy("age_group")).toEqual({
      "10s": 75,
      "20s": 5594,
      "30s": 16938,
      "40s": 10526,
      "50s": 6862,
      "60s": 724,
      "70s": 319,
      "80s": 140,
      "90s": 10,
    });
  });

  it("gives the specification's educations", async () => {
    expect(await countsBy("education_type")).toEqual({
      basic: 12513,
      "university degree": 12168,
      "high school": 9515,
      "professional course": 5243,
      unknown: 1731,
      illiterate: 18,
    });
  });

  it("gives a target market of 8,677, and the same by a count of the file", async () => {
    const targets = people.filter(
      (each) => each.housing === "no" && each.default === "no" && ["20s", "30s"].includes(each.ageGroup),
    );
    expect(targets).toHaveLength(8677);
    expect(await counts("select 'all' as key, count(*) from gold.bank_target_market")).toEqual({ all: 8677 });
    expect(await counts("select job_type as key, count(*) from gold.bank_target_market group by 1")).toEqual(
      tally(targets, (each) => each.job),
    );
    expect(await counts("select is_target as key, count(*) from gold.bank_profile_feed group by 1")).toEqual({
      0: 41188 - 8677,
      1: 8677,
    });
  });

  it("has the dimensions' sizes and ids", async () => {
    const dimension = (name: string, key: string, label: string): Promise<Record<string, number>> =>
      counts(`select ${label} as key, ${key} as count from gold.bank_dim_${name}`);
    expect(Object.keys(await dimension("age_group", "age_group_id", "age_group"))).toHaveLength(9);
    expect(await dimension("education", "education_id", "education_type")).toEqual({
      unknown: 0,
      basic: 1,
      "high school": 2,
      "professional course": 3,
      "university degree": 4,
      illiterate: 5,
    });
    expect(await dimension("job", "job_id", "job_type")).toMatchObject({ unknown: 0, admin: 3, student: 11 });
    expect(Object.keys(await dimension("job", "job_id", "job_type"))).toHaveLength(12);
    expect(await dimension("marital", "marital_id", "marital_type")).toEqual({
      unknown: 0,
      single: 1,
      married: 2,
      divorced: 3,
    });
  });

  it("counts jobs and marital statuses as the file has them", async () => {
    expect(await countsBy("job_type")).toEqual(tally(people, (each) => each.job));
    expect(await countsBy("marital_type")).toEqual(tally(people, (each) => each.marital));
  });

  it("keeps unknown flags as NULL", async () => {
    const flag = { yes: "1", no: "0", unknown: "null" } as Readonly<Record<string, string>>;
    for (const column of ["housing", "default"] as const) {
      expect(await countsBy(`coalesce(has_${column}::text, 'null')`)).toEqual(
        tally(people, (each) => flag[each[column]] ?? "other"),
      );
    }
  });

  it("sums the segments up to every customer once, with the owners of each age group", async () => {
    const sums = (measure: string): Promise<Record<string, number>> =>
      counts(`select age_group as key, sum(${measure}) as count from gold.bank_segment_summary group by 1`);
    expect(await sums("customers")).toEqual(tally(people, (each) => each.ageGroup));
    expect(await sums("housing_loan_owners")).toEqual(
      tally(
        people.filter((each) => each.housing === "yes"),
        (each) => each.ageGroup,
      ),
    );
    const key = (each: Person): string => [each.ageGroup, each.job, each.education, each.marital].join("/");
    expect(
      await counts(`
        select concat_ws('/', age_group, job_type, education_type, marital_type) as key, customers as count
        from gold.bank_segment_summary`),
    ).toEqual(tally(people, key));
    expect(
      await bank.rows(
        "select 1 from gold.bank_segment_summary where ownership_rate <> round(housing_loan_owners::numeric / customers, 6)",
      ),
    ).toEqual([]);
  });

  it("partitions the fact by month, undated rows in the default partition, with an index on the age group", async () => {
    expect(
      await bank.rows(`
        select pg_get_partkeydef('gold.bank_fact_bank_marketing'::regclass) as key,
          (select count(*)::int from gold.bank_fact_bank_marketing_default) as undated,
          (select count(*)::int from pg_indexes where schemaname = 'gold' and tablename = 'bank_fact_bank_marketing'
            and indexdef like '%(age_group_id)') as indexes`),
    ).toEqual([{ key: "RANGE (registered_month)", undated: 41188, indexes: 1 }]);
  });

  it("describes every column of every table", async () => {
    expect(
      await bank.rows(`
        select relation.relname, attribute.attname
        from pg_class as relation
        join pg_attribute as attribute on attribute.attrelid = relation.oid and attnum > 0 and not attisdropped
        where relation.relnamespace in ('silver'::regnamespace, 'gold'::regnamespace)
          and relation.relkind in ('r', 'p', 'v') and not relation.relispartition
          and (col_description(relation.oid, attnum) is null or obj_description(relation.oid) is null)`),
    ).toEqual([]);
  });

  it("gives the same ids and rows when everything runs again, also from an empty database", async () => {
    const tables = ["fact_bank_marketing", "marketing", "profile_feed", "segment_summary", "target_market"];
    const state = async (from: Bank): Promise<unknown[]> => {
      const digests = tables.map(
        (table) => `select md5(string_agg(t::text, '|' order by t::text)) from gold.bank_${table} as t`,
      );
      return Promise.all(digests.map((sql) => from.rows(sql)));
    };
    const first = await state(bank);
    await bank.command("run");
    expect(await state(bank)).toEqual(first);

    const other = await bankOn(withDump());
    await other.command("ingest");
    await other.command("run");
    expect(await state(other)).toEqual(first);
  });
});
