import kafkajs from "kafkajs";
import { describe, expect, test, type TestContext } from "vitest";
import { AquiferError, describeError } from "../../src/base/errors.js";
import type { IngestOptions, IngestResult } from "../../src/ingest/ingest.js";
import { openCluster } from "../../src/ingest/kafka/open-cluster.js";
import type { MessageRange, MessageSource, PartitionBounds } from "../../src/ingest/kafka/message-source.js";
import { defineSource, type Source, type SourceOptions } from "../../src/project/source.js";
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

describe("a topic of Avro values", () => {
  test("keeps the bytes of each beside its fields, and takes JSON too", async (context) => {
    const source = defineSource({
      name: "shop/click",
      kafka: { connection: "stream", topic: "clicks", avro: { schema: "ingest/click.avsc" } },
      columns: { id: {}, page: { optional: true } },
      maxRejected: 1,
    });
    const stream = await streamOf(context, [source]);
    const fields = [
      { name: "id", type: "long" },
      { name: "page", type: ["null", "string"] },
    ];
    await stream.write("ingest/click.avsc", JSON.stringify({ type: "record", name: "click", fields }));
    const value = Buffer.from([0, 0, 0, 0, 7, 6, 2, 4, 0x5c, 0x61]);
    stream.broker.send("clicks", 0, [value, '{"id": 4}', Buffer.from([0, 0, 0, 0, 7])]);
    expect((await stream.load()).files).toMatchObject([{ rows: 2, rejected: 1 }]);
    expect(
      await stream.rows("select id, page, encode(_value, 'hex') from bronze.shop_click order by id"),
    ).toEqual([
      ["3", "\\a", value.toString("hex")],
      ["4", null, Buffer.from('{"id": 4}').toString("hex")],
    ]);
    expect(await stream.rows("select line, raw from aquifer.ingest_reject")).toEqual([
      ["2", "\\x0000000007"],
    ]);
  });
});

describe("the batches of a topic", () => {
  const small = defineSource({
    name: "shop/click",
    kafka: { connection: "stream", topic: "clicks", maxRecords: 4 },
    columns: { id: {} },
  });
  const messages = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, index) => `{"id": ${from + index}}`);

  test("are bounded, and follow one another up to the ends that the topic had", async (context) => {
    const stream = await streamOf(context, [small]);
    stream.broker.send("clicks", 0, messages(0, 6));
    stream.broker.send("clicks", 1, messages(6, 9));
    let isSent = false;
    const { files, batch } = await stream.load({
      onEvent: (event) => {
        if (event.kind === "file" && !isSent) stream.broker.send("clicks", 1, messages(9, 10));
        isSent ||= event.kind === "file";
      },
    });
    expect(batch).toBe("batch_150126_1, batch_150126_2, batch_150126_3");
    expect(files.map(({ rows }) => rows)).toEqual([4, 4, 1]);
    expect(await stream.rows(ids)).toEqual([
      [0, "0,1,2,3,4,5"],
      [1, "6,7,8"],
    ]);
    expect((await stream.load()).files).toMatchObject([{ rows: 1 }]);
    expect((await stream.load()).batch).toBeUndefined();
    expect(await stream.rows("select count(distinct id) from bronze.shop_click")).toEqual([["10"]]);
  });

  test("are bounded by bytes too", async (context) => {
    const source = defineSource({
      name: "shop/click",
      kafka: { connection: "stream", topic: "clicks", maxBytes: 20 },
      columns: { id: {} },
    });
    const stream = await streamOf(context, [source]);
    stream.broker.send("clicks", 0, messages(0, 5));
    expect((await stream.load()).files.map(({ rows }) => rows)).toEqual([3, 2]);
  });

  test("a dry run tells the offsets of each partition and writes nothing", async (context) => {
    const stream = await streamOf(context, [click]);
    stream.broker.send("clicks", 0, ['{"id": 1, "page": ""}', '{"id": 2, "page": ""}']);
    stream.broker.send("clicks", 2, ['{"id": 3, "page": ""}']);
    const { files } = await stream.load({ dryRun: true });
    expect(files).toMatchObject([
      {
        rows: 3,
        classification: `broker ${stream.broker.address}; offsets of 4 partitions: 0: 0 to 1; 2: 0 to 0`,
      },
    ]);
    expect(await stream.rows("select to_regclass('bronze.shop_click')")).toEqual([[null]]);
  });
});

describe("messages that retention removed before they were loaded", () => {
  test("are an error that names them, until the gap is accepted", async (context) => {
    const stream = await streamOf(context, [
      defineSource({
        name: "shop/click",
        kafka: { connection: "stream", topic: "clicks" },
        columns: { id: {}, note: { optional: true } },
      }),
    ]);
    stream.broker.send("clicks", 0, ['{"id": 1}', '{"id": 2}']);
    stream.broker.send("clicks", 1, ['{"id": "other"}']);
    await stream.load();
    // The broker keeps some 5 MB of a partition.
    const large = Array.from({ length: 80 }, (_, id) =>
      JSON.stringify({ id: 100 + id, note: "x".repeat(100_000) }),
    );
    for (const value of large) stream.broker.send("clicks", 0, [value]);
    const error = await failure(stream.load());
    expect(error.code).toBe("lost-messages");
    const [, first, last, held] =
      /partition 0: \d+ offsets are lost, (\d+) to (\d+); the broker holds (\d+)/.exec(
        describeError(error),
      ) ?? ["", "", "", ""];
    expect(first).toBe("2");
    expect(Number(held)).toBe(Number(last) + 1);
    expect(await stream.rows("select count(*) from bronze.shop_click")).toEqual([["3"]]);

    await stream.load({ acceptGaps: true });
    expect(
      await stream.rows(
        "select min(_offset), max(_offset), count(*) from bronze.shop_click where note <> ''",
      ),
    ).toEqual([[held, "81", String(82 - Number(held))]]);
    expect(
      await stream.rows("select dialect -> 'gaps' from aquifer.ingest_file where dialect ? 'gaps'"),
    ).toEqual([[{ 0: [2, Number(held)] }]]);
    expect((await stream.load()).batch).toBeUndefined();
  });
});

describe("a broker", () => {
  test("that is not there is an error within seconds that names it", async () => {
    const project = await ingestProject([click]);
    const begin = performance.now();
    const error = await failure(
      project.ingest({
        openBroker: (name) =>
          openCluster(name, { brokers: ["127.0.0.1:1"], tls: undefined, sasl: undefined }),
      }),
    );
    expect(error).toMatchObject({ code: "no-broker", exitCode: 2 });
    expect(describeError(error)).toMatch(/No broker of stream answers at 127.0.0.1:1: .*\n {2}hint: /);
    expect(performance.now() - begin).toBeLessThan(20_000);
  });

  test("that holds a batch that cannot be unpacked is an error with its place, at once", async (context) => {
    const stream = await streamOf(context, [click]);
    stream.broker.send("clicks", 2, ['{"id": 1, "page": ""}', '{"id": 2, "page": ""}']);
    const { Kafka, CompressionTypes, CompressionCodecs, logLevel, Partitioners } = kafkajs;
    const gzip = CompressionCodecs[CompressionTypes.GZIP];
    CompressionCodecs[CompressionTypes.GZIP] = () => ({
      compress: () => Promise.resolve(Buffer.from("none")),
    });
    const client = new Kafka({ brokers: [stream.broker.address], logLevel: logLevel.NOTHING });
    const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    try {
      await producer.connect();
      const messages = [{ value: "{}", partition: 2 }];
      await producer.send({ topic: "clicks", compression: CompressionTypes.GZIP, messages });
    } finally {
      await producer.disconnect();
      CompressionCodecs[CompressionTypes.GZIP] = gzip;
    }
    const error = await failure(stream.load());
    expect(error.code).toBe("bad-message");
    expect(describeError(error)).toMatch(
      /^clicks of stream: partition 2 cannot be read at offset 2: .* unpacked with gzip: .*\n {2}hint: .*kafka-delete-records/,
    );
  });

  test("is read before an operational database is opened, whose snapshot is held from then on", async () => {
    const bill = defineSource({
      name: "shop/bill",
      database: { connection: "till", relation: "shop.bill" },
      columns: { id: {} },
    });
    const project = await ingestProject([bill, click]);
    const opened: string[] = [];
    await project.ingest({
      openConnection: (name) => (opened.push(name), Promise.resolve(undefined)),
      openBroker: (name) => (opened.push(name), Promise.resolve(undefined)),
    });
    expect(opened).toEqual(["stream", "till"]);
  });

  test("that goes away while it is read leaves nothing", async (context) => {
    const stream = await streamOf(context, [click]);
    stream.broker.send("clicks", 0, ['{"id": 1, "page": ""}']);
    const error = await failure(
      stream.load({
        onEvent: ({ kind }) => {
          if (kind === "progress") process.kill(stream.broker.pid, "SIGKILL");
        },
      }),
    );
    expect(error.code).toBe("source-lost");
    expect(await stream.rows("select count(*) from bronze_store.shop_click")).toEqual([["0"]]);
  });

  test("of which nothing is configured means no data yet", async () => {
    const project = await ingestProject([click]);
    const result = await project.ingest({ openBroker: () => Promise.resolve(undefined) });
    expect(result).toEqual({ batch: undefined, files: [], waiting: ["shop/click"], missing: [] });
    expect(await project.rows("select _topic, _value, id from bronze.shop_click")).toEqual([]);
  });
});

describe("a topic that changes", () => {
  /** A broker whose partitions hold these values, and that retention or somebody else may change. */
  function brokerOf(partitions: Record<number, string[]>): () => Promise<MessageSource> {
    const bounds = (): PartitionBounds[] =>
      Object.entries(partitions).map(([partition, values]) => ({
        partition: Number(partition),
        start: 0,
        end: values.length,
      }));
    return () =>
      Promise.resolve({
        place: "here:9092",
        partitions: () => Promise.resolve(bounds()),
        async *read({ partition, from, to }: MessageRange) {
          await Promise.resolve();
          for (let offset = from; offset < to; offset++) {
            const value = Buffer.from(partitions[partition]?.[offset] ?? "");
            yield { messages: [{ offset, timestamp: undefined, key: null, value }], next: offset + 1 };
          }
        },
        close: () => Promise.resolve(),
      });
  }
  const value = (id: number): string => `{"id": ${id}, "page": ""}`;

  test("a partition that is added is read from its start", async () => {
    const project = await ingestProject([click]);
    const partitions: Record<number, string[]> = { 0: [value(1), value(2)] };
    const openBroker = brokerOf(partitions);
    await project.ingest({ openBroker });
    partitions[1] = [value(3), value(4)];
    partitions[0]?.push(value(5));
    await project.ingest({ openBroker });
    expect(await project.rows(ids)).toEqual([
      [0, "1,2,5"],
      [1, "3,4"],
    ]);
  });

  test("one that was made anew is an error, and is read from its start under another connection", async () => {
    const project = await ingestProject([click]);
    await project.ingest({ openBroker: brokerOf({ 0: [value(1), value(2)], 1: [value(3)] }) });
    const error = await failure(project.ingest({ openBroker: brokerOf({ 0: [value(9)] }) }));
    expect(error.code).toBe("other-topic");
    expect(describeError(error)).toMatch(
      /partition 0 ends before 1; it was loaded up to offset 1\n.*partition 1 is not there; it was loaded up to offset 0/,
    );
    const again = defineSource({
      name: "shop/click",
      kafka: { connection: "stream_2", topic: "clicks" },
      columns: { id: {}, page: {} },
    });
    await project.ingest({ openBroker: brokerOf({ 0: [value(9)] }), sources: [again], selected: [again] });
    expect(await project.rows("select string_agg(id, ',' order by id) from bronze.shop_click")).toEqual([
      ["1,2,3,9"],
    ]);
  });

  test.each([
    ["as many messages", [value(7), value(8)]],
    ["more messages", [value(7), value(8), value(9)]],
  ])("one that was made anew and holds %s already is an error", async (_, values) => {
    const project = await ingestProject([click]);
    await project.ingest({ openBroker: brokerOf({ 0: [value(1), value(2)], 1: [value(3)] }) });
    const openBroker = brokerOf({ 0: values, 1: [value(3)] });
    for (const options of [{}, { acceptGaps: true }, { dryRun: true }]) {
      const error = await failure(project.ingest({ openBroker, ...options }));
      expect(error.code).toBe("other-topic");
      expect(error.details).toEqual(["partition 0 holds another message at offset 1 than was loaded"]);
    }
    expect(await project.rows(ids)).toEqual([
      [0, "1,2"],
      [1, "3"],
    ]);
  });

  test("the last message that was loaded is known again behind batches without one, and may be compacted away", async () => {
    const project = await ingestProject([click]);
    const partitions = { 0: [value(1), value(2)] };
    const plain = brokerOf(partitions);
    await project.ingest({ openBroker: plain });
    /** Behind its messages stand control records, and compaction takes offset 1. */
    const other = (gone: number[]) => async (): Promise<MessageSource> => ({
      ...(await plain()),
      partitions: () => Promise.resolve([{ partition: 0, start: 0, end: 4 }]),
      async *read(range: MessageRange, signal: AbortSignal) {
        const source = await plain();
        for await (const { messages, next } of source.read({ ...range, to: Math.min(range.to, 2) }, signal))
          yield { messages: messages.filter(({ offset }) => !gone.includes(offset)), next };
        if (range.to > 2) yield { messages: [], next: range.to };
      },
    });
    await project.ingest({ openBroker: other([]) });
    expect((await project.ingest({ openBroker: other([1]) })).batch).toBeUndefined();
    partitions[0][1] = value(7);
    expect((await failure(project.ingest({ openBroker: other([]) }))).code).toBe("other-topic");
  });

  test.each([
    { connection: "stream_2", topic: "clicks" },
    { connection: "stream", topic: "clicks_2" },
  ])("of another name, %j, it is read beside what was loaded, offset for offset", async (kafka) => {
    const project = await ingestProject([click]);
    await project.ingest({ openBroker: brokerOf({ 0: [value(1), value(2)], 1: [value(3)] }) });
    const other = [defineSource({ name: "shop/click", kafka, columns: { id: {}, page: {} } })];
    const openBroker = brokerOf({ 0: [value(7), value(8)], 1: [value(9)] });
    await project.ingest({ openBroker, sources: other, selected: other });
    expect(await project.rows("select string_agg(id, ',' order by id) from bronze.shop_click")).toEqual([
      ["1,2,3,7,8,9"],
    ]);
    expect((await project.ingest({ openBroker, sources: other, selected: other })).batch).toBeUndefined();
  });

  test("what the broker gives otherwise the second time is not loaded", async () => {
    const project = await ingestProject([click]);
    const partitions: Record<number, string[]> = { 0: [value(1), value(2)] };
    const error = await failure(
      project.ingest({
        openBroker: brokerOf(partitions),
        onEvent: (event) => {
          if (event.kind === "progress" && event.phase === "loading") partitions[0]?.splice(1, 1, value(7));
        },
      }),
    );
    expect(error.code).toBe("changed-while-reading");
    expect(await project.rows("select count(*) from bronze_store.shop_click")).toEqual([["0"]]);
  });

  test("drift, checks and tombstones are as with files", async () => {
    const source = (more: Partial<SourceOptions>): Source =>
      defineSource({
        name: "shop/click",
        kafka: { connection: "stream", topic: "clicks" },
        columns: { id: { unique: true, required: true } },
        maxRejected: 2,
        ...more,
      });
    const openBroker = brokerOf({
      3: ['{"id": 1, "New Field": [1]}', '{"id": 1}', '{"id": "b\\u0000c"}', '{"id": null}'],
    });
    const rescue = await ingestProject([source({ drift: "rescue" })]);
    expect((await rescue.ingest({ openBroker })).files).toMatchObject([
      { rows: 2, rejected: 2, columnsAdded: ["new_field"] },
    ]);
    expect(await rescue.rows("select id, _rescued from bronze.shop_click order by id")).toEqual([
      ["1", { new_field: "[1]" }],
      ["bc", { new_field: null }],
    ]);
    expect(
      await rescue.rows("select line, column_name, error, raw from aquifer.ingest_reject order by line"),
    ).toEqual([
      ["1", "id", 'clicks, partition 3, offset 1: "1" stands on row 1 already', '{"id": 1}'],
      ["3", "id", "clicks, partition 3, offset 3: expected a value", '{"id": null}'],
    ]);
    const frozen = await ingestProject([source({ drift: "freeze" })]);
    expect(describeError(await failure(frozen.ingest({ openBroker })))).toContain("not declared: new_field");
    const evolved = await ingestProject([source({})]);
    await evolved.ingest({ openBroker });
    expect(await evolved.rows("select new_field from bronze.shop_click where id = '1'")).toEqual([["[1]"]]);
  });
});

describe("a source of a topic", () => {
  test.each<[Partial<SourceOptions>, string]>([
    [{ files: "x.csv" }, "files says nothing about a topic"],
    [{ period: { grain: "day", fromName: "YYYYMMDD" } }, "period says nothing about a topic"],
    [{ reload: "snapshot" }, 'its reload is "snapshot"'],
    [{ kafka: { connection: "Stream", topic: "t" } }, "is not the name of a connection"],
    [{ kafka: { connection: "stream", topic: "a b" } }, 'topic is "a b"'],
    [{ kafka: { connection: "stream", topic: "t", maxRecords: 0 } }, "kafka.maxRecords is 0"],
    [{ kafka: { connection: "stream", topic: "t", avro: { schema: {} } } }, "kafka.avro.schema is {}"],
    [
      { kafka: { connection: "stream", topic: "t", avro: { schema: { 1: "a.avsc" }, framing: "none" } } },
      "schemas by number, but values without a number",
    ],
  ])("that says %j is refused", (options, words) => {
    const define = (): Source =>
      defineSource({
        name: "shop/click",
        kafka: { connection: "stream", topic: "clicks" },
        columns: { id: {} },
        ...options,
      });
    expect(define).toThrow(words);
  });
});
