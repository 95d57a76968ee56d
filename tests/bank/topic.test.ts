import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { bank as sample } from "../../ingest/samples/bank.js";
import { dataform } from "../support/command-line.js";
import { kafkaBroker } from "../support/kafka.js";
import { bankOn, bankProject } from "./support.js";

test("the sample's messages go to the topic and from there, JSON or Avro, into the fact, each registration once", async (context) => {
  const broker = await kafkaBroker(context);
  const root = bankProject();
  mkdirSync(join(root, "ingest/samples"));
  cpSync("ingest/samples/bank.ts", join(root, "ingest/samples/bank.ts"));
  const env = { BANK_KAFKA_URL: `kafka://${broker.address}` };
  const bank = await bankOn(root, onTestFinished, 18, env);
  const request = { customers: 4000, months: 1, seed: 5 };
  const command = ["sample", "bank", "--customers", "4000", "--months", "1", "--seed", "5", "--topics"];
  expect(await bank.command(...command)).toMatch(/Sample sent: bank: data_bank_marketing {2}201 messages, /);

  const messages = [...sample.topics(request)].flatMap((topic) => [...topic.messages]);
  const fields = [
    "timestamp",
    "email",
    "first_name",
    "last_name",
    "birth_date",
    "job",
    "marital",
    "education",
  ];
  const textOf = (value: string | Uint8Array): string[] =>
    typeof value === "string"
      ? Object.values(JSON.parse(value) as Record<string, string>).slice(0, fields.length)
      : avroTexts(value).slice(0, fields.length);
  await bank.command("ingest", "bank/stream");
  const rows = await bank.rows(
    `select ${fields.join(", ")}, _key, extract(epoch from _timestamp)::float8 * 1000 as at, encode(_value, 'hex') as value from bronze.bank_stream`,
  );
  const sorted = (list: unknown[][]): string[] => list.map((each) => JSON.stringify(each)).sort();
  expect(sorted(rows.map((row) => Object.values(row)))).toEqual(
    sorted(
      messages.map(({ key, value, timestamp }) => [
        ...textOf(value),
        ...[key, timestamp.getTime(), Buffer.from(value).toString("hex")],
      ]),
    ),
  );
  expect(messages.filter(({ value }) => typeof value !== "string")).toHaveLength(50);
  expect(await bank.command("ingest", "bank/stream")).toContain("no new messages");
  await bank.command("ingest");
  await bank.command("run");
  expect(
    await bank.rows(
      "select count(*)::int as count from silver.bank_record where source = 'stream' and not is_duplicate",
    ),
  ).toEqual([{ count: 200 }]);

  const again = await dataform(command, { cwd: root, env });
  expect(again.exitCode).toBe(1);
  expect(again.stderr).toContain("holds 201 messages");
});

/** The texts of an Avro record of short strings, behind the head of five bytes. */
function avroTexts(value: Uint8Array): string[] {
  const texts: string[] = [];
  const bytes = Buffer.from(value);
  for (let position = 5; position < bytes.length;) {
    const length = (bytes[position] ?? 0) / 2;
    texts.push(bytes.toString("utf8", position + 1, position + 1 + length));
    position += 1 + length;
  }
  return texts;
}
