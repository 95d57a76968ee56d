import { describe, expect, test, type TestContext } from "vitest";
import { AquiferError, describeError } from "../../src/base/errors.js";
import type { IngestOptions, IngestResult } from "../../src/ingest/ingest.js";
import { openCluster } from "../../src/ingest/kafka/open-cluster.js";
import { defineSource, type Source } from "../../src/project/source.js";
import { kafkaBroker, type KafkaBroker } from "../support/kafka.js";
import { ingestProject, type IngestProject } from "./support.js";

interface Stream extends IngestProject {
  readonly broker: KafkaBroker;
  load(options?: Partial<IngestOptions>): Promise<IngestResult>;
}

async function streamOf(context: TestContext, sources: readonly Source[]): Promise<Stream> {
  const broker = await kafkaBroker(context);
  const project = await ingestProject(sources);
  return {
    ...project,
    broker,
    load: (options) =>
      project.ingest({
        openBroker: (connection) =>
          openCluster(connection, { brokers: [broker.address], tls: undefined, sasl: undefined }),
        ...options,
      }),
  };
}

async function failure(promise: Promise<unknown>): Promise<AquiferError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AquiferError) return error;
  throw new Error(`expected an AquiferError, got ${String(error)}`);
}

const click = defineSource({
  name: "shop/click",
  kafka: { connection: "stream", topic: "clicks" },
  columns: { id: {}, page: {} },
});
const ids =
  "select _partition, string_agg(id, ',' order by _offset) from bronze.shop_click group by 1 order by 1";

describe("a topic of JSON values", () => {
  test("arrives with its envelope, and what is new is added, each message once", async (context) => {
    const stream = await streamOf(context, [click]);
    stream.broker.send(
      "clicks",
      0,
      ['{"id": 1, "page": "a\\tb"}', '{"page": null, "id": 1.10}'],
      "-k",
      "key",
    );
    stream.broker.send("clicks", 3, ['{"id": "x", "page": {"deep": [1, 2]}}']);
    const first = await stream.load();
    expect(first.files).toMatchObject([
      { file: "stream/clicks", action: "load", reason: "new", rows: 3, rejected: 0, method: "kafka" },
    ]);
    expect(
      await stream.rows(
        "select _row, id, page, _topic, _partition, _offset, _key, _value, _timestamp > now() - interval '1 min' from bronze.shop_click order by _row",
      ),
    ).toEqual([
      ["1", "1", "a\tb", "clicks", 0, "0", "key", '{"id": 1, "page": "a\\tb"}', true],
      ["2", "1.10", null, "clicks", 0, "1", "key", '{"page": null, "id": 1.10}', true],
      ["3", "x", '{"deep": [1, 2]}', "clicks", 3, "0", null, '{"id": "x", "page": {"deep": [1, 2]}}', true],
    ]);
    const again = await stream.load();
    expect(again).toMatchObject({
      batch: undefined,
      files: [{ action: "skip", reason: "no new messages; next offsets 0: 2, 1: 0, 2: 0, 3: 1" }],
    });
    stream.broker.send("clicks", 0, ['{"id": 3, "page": ""}']);
    stream.broker.send("clicks", 1, ['{"id": 4, "page": ""}']);
    await stream.load();
    expect(await stream.rows(ids)).toEqual([
      [0, "1,1.10,3"],
      [1, "4"],
      [3, "x"],
    ]);
    expect(
      await stream.rows("select dialect -> 'offsets' from aquifer.ingest_file order by file_id"),
    ).toEqual([[{ 0: [0, 2], 3: [0, 1] }], [{ 0: [2, 3], 1: [0, 1] }]]);
  });

  test("equal messages are all there", async (context) => {
    const stream = await streamOf(context, [click]);
    const same = '{"id": 1, "page": "a"}';
    for (let round = 0; round < 3; round++) {
      stream.broker.send("clicks", 0, [same, same]);
      await stream.load();
    }
    expect(await stream.rows(ids)).toEqual([[0, "1,1,1,1,1,1"]]);
  });

  test("what cannot be read is a reject with topic, partition and offset, or fails the batch beyond the limit", async (context) => {
    const bad = ['{"id": 1, "page": "a"}', '{"id": 2, oops}', "[1]", '{"id": 3}'];
    const strict = await streamOf(context, [click]);
    strict.broker.send("clicks", 1, bad);
    const error = await failure(strict.load());
    expect(error.code).toBe("too-many-rejects");
    expect(describeError(error)).toContain(
      'offset 1: clicks, partition 1, offset 1: expected JSON, found "oops}" at character 11: "{\\"id\\": 2, oops}"',
    );

    const lenient = defineSource({
      name: "shop/click",
      kafka: { connection: "stream", topic: "clicks" },
      columns: { id: {}, page: {} },
      maxRejected: "75%",
    });
    const project = await ingestProject([lenient]);
    const openBroker = (connection: string): ReturnType<typeof openCluster> =>
      openCluster(connection, { brokers: [strict.broker.address], tls: undefined, sasl: undefined });
    expect((await project.ingest({ openBroker })).files).toMatchObject([{ rows: 1, rejected: 3 }]);
    expect(
      await project.rows(
        "select row_number, line, column_name, error, raw from aquifer.ingest_reject order by 1",
      ),
    ).toEqual([
      ["2", "1", null, 'clicks, partition 1, offset 1: expected JSON, found "oops}" at character 11', bad[1]],
      ["3", "2", null, "clicks, partition 1, offset 2: expected a JSON object, found another value", bad[2]],
      ["4", "3", "page", "clicks, partition 1, offset 3: expected the field, found none", bad[3]],
    ]);
    expect((await project.ingest({ openBroker })).batch).toBeUndefined();
  });
});
