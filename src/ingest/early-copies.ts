import { isDeepStrictEqual } from "node:util";
import type { RelationName } from "../base/identifiers.js";
import type { IngestLedger } from "../history/ingest-ledger.js";
import type { Source } from "../project/source.js";
import type { Queryable, Warehouse } from "../warehouse/warehouse.js";
import { ensureBronze, storeColumns } from "./bronze-tables.js";
import { copyStream, StreamMemory, streamsOf, verbatimBlocks, type CopyPart } from "./copy-stream.js";
import type { RawFile } from "./discover-files.js";
import type { CopyMeanwhile } from "./foreseen-text.js";
import type { Verbatim } from "./inspect-records.js";
import type { TextInspection } from "./inspect-text.js";
import { withPatience, type LockPatience } from "./lock-patience.js";
import { neededTables } from "./needed-tables.js";
import { dropTables, ownTable } from "./own-tables.js";
import type { TextShape } from "./recognize-text.js";
import type { TextRange, TextRanges } from "./text-ranges.js";
import { storedColumns } from "./stored-columns.js";

export interface EarlyContext {
  readonly warehouse: Warehouse;
  readonly ledger: IngestLedger;
  readonly historySchema: string;
  /** Opens the ledger, unless that was done. */
  readonly open: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly elapsed: () => number;
}

/**
 * Copies large files while they are still looked at, one at a time, into tables that nobody sees: the hope is that a file
 * turns out to be what its first records are, and wanted. Where it does not, or where anything fails, the tables go, and the
 * file is loaded, or refused with the reason, as any other. What a killed process leaves, the next ingest removes.
 */
export class EarlyCopies {
  private readonly begun: EarlyCopy[] = [];
  private readonly fileIds: string[] = [];
  private readonly context: EarlyContext;
  /** The ledger cannot be had: that is told once all files were looked at, and not waited for before. */
  private isOff = false;

  constructor(context: EarlyContext) {
    const open = async (): Promise<void> => {
      this.isOff = true;
      await context.open();
      this.isOff = false;
    };
    this.context = { ...context, open };
  }

  /** Ids for the files up to the last one that is copied, by their position among those that are read. */
  idOf(position: number): string | undefined {
    return this.fileIds[position];
  }

  /**
   * Begins to copy a file; undefined where another one is on its way, or where this one cannot be copied before all of it was
   * seen.
   *
   * @param position of the file among those that are read
   * @param ranges of the file, as they become known
   */
  begin(
    file: RawFile,
    { source, shape }: { readonly source: Source; readonly shape: TextShape },
    ranges: TextRanges,
    position: number,
  ): EarlyCopy | undefined {
    const { names, convert } = storedColumns(source, shape.header);
    const { added, missing } = shape.header;
    // Columns that the store lacks come with a file that is taken. A footer is known at the end.
    const isKnown =
      added.length + missing.length === 0 && convert === undefined && source.footer === undefined;
    if (!isKnown || names.length < 2 || this.isOff || this.begun.some(({ isBusy }) => isBusy))
      return undefined;
    const copy = new EarlyCopy(this.context, { file, source, shape }, ranges, async (session) => {
      const { ledger } = this.context;
      if (await ledger.hasSize(session, source.name, file.bytes)) return undefined;
      this.fileIds.push(...(await ledger.reserveFiles(session, position + 1 - this.fileIds.length)));
      return this.fileIds[position];
    });
    this.begun.push(copy);
    return copy;
  }

  /** Ends all that are on their way: nothing will be loaded. */
  stop(): void {
    for (const copy of this.begun) copy.stop();
  }

  /** Removes all that no file of the ledger has taken over. */
  discard(): Promise<void> {
    return discardCopies(this.begun);
  }
}

/** Removes what no file has taken over. What cannot be removed, as somebody reads it, the next ingest removes. */
export async function discardCopies(copies: readonly EarlyCopy[]): Promise<void> {
  for (const copy of copies) copy.stop();
  await Promise.allSettled(copies.map((copy) => copy.discard()));
}

interface EarlyFile {
  readonly file: RawFile;
  readonly source: Source;
  readonly shape: TextShape;
}

/** A file that is copied while it is looked at. */
export class EarlyCopy implements CopyMeanwhile {
  /** Settles when it has its id, or will have none; it never fails. */
  readonly prepared: Promise<void>;
  readonly done: Promise<number | undefined>;
  private readonly failure = new AbortController();
  private readonly signal: AbortSignal;
  private readonly patience: LockPatience;
  private verbatim: Verbatim | undefined;
  private tables: readonly RelationName[] = [];
  private fileId: string | undefined;
  private isTaken = false;
  private isStopped = false;
  bytes = 0;
  private onBytes: ((bytes: number) => void) | undefined;
  private readonly beganAt: number;
  private endedAt: number | undefined;

  constructor(
    private readonly context: EarlyContext,
    private readonly target: EarlyFile,
    private readonly ranges: TextRanges,
    reserve: (session: Queryable) => Promise<string | undefined>,
  ) {
    const { signal, elapsed } = context;
    this.beganAt = elapsed();
    this.signal = AbortSignal.any([signal, this.failure.signal]);
    // What is in the way is waited for, and told, when the file is loaded as any other.
    this.patience = { milliseconds: 0, signal, elapsed, onWait: () => undefined };
    void ranges.began.then((verbatim) => (this.verbatim = verbatim));
    const ready = this.prepare(reserve);
    this.prepared = ready.catch(() => undefined);
    this.done = ready
      .then(() => this.copy())
      .catch(() => {
        this.failure.abort();
        return undefined;
      })
      .finally(() => (this.endedAt = elapsed()));
  }

  get isBusy(): boolean {
    return this.endedAt === undefined;
  }

  /** Ends it, unless a file has taken it. */
  stop(): void {
    if (this.isTaken) return;
    this.isStopped = true;
    this.giveUp();
  }

  /** Ends it where the file has turned out to be another than it was taken for. */
  confirm({ verbatim }: TextInspection): void {
    if (!isDeepStrictEqual(verbatim, this.verbatim)) this.stop();
  }

  /**
   * Waits for its end.
   *
   * @param fileId of the ledger's file, which has the tables from now on
   * @returns the tables with the file's rows, and the milliseconds that they had taken before this was called; undefined where
   *   the file is to be loaded as any other
   */
  async take(
    fileId: string,
    { verbatim, rows }: TextInspection,
    { onBytes, patience }: { readonly onBytes: (bytes: number) => void; readonly patience: LockPatience },
  ): Promise<{ readonly tables: readonly RelationName[]; readonly milliseconds: number } | undefined> {
    const milliseconds = (this.endedAt ?? this.context.elapsed()) - this.beganAt;
    onBytes(this.bytes);
    this.onBytes = onBytes;
    const taken = await this.done;
    const isWhole = taken === rows && fileId === this.fileId && isDeepStrictEqual(verbatim, this.verbatim);
    if (isWhole && !this.isStopped) {
      this.isTaken = true;
      return { tables: this.tables, milliseconds };
    }
    onBytes(-this.bytes);
    await this.discard(patience);
    return undefined;
  }

  /**
   * Removes what was copied, unless a file has taken it.
   *
   * @param patience for who reads it; default: none
   * @throws AquiferError `relation-busy`
   */
  async discard(patience = this.patience): Promise<void> {
    if (this.isTaken) return;
    this.stop();
    await this.done;
    const { tables } = this;
    if (tables.length === 0) return;
    await this.context.warehouse.withSession((session) =>
      withPatience(session, patience, (transaction) => dropTables(transaction, tables)),
    );
    this.tables = [];
  }

  /** Makes the store and takes an id, while the first records are looked at. */
  private async prepare(reserve: (session: Queryable) => Promise<string | undefined>): Promise<void> {
    const { warehouse, historySchema, ledger, open } = this.context;
    await open();
    if (this.isStopped) return;
    await warehouse.withSession(async (session) => {
      const needed = neededTables([this.target.source], [], []);
      const stored = await storeColumns(session, this.target.source.table);
      // A store that is there changes only with a load, and then what was made like it before is not like it any more.
      if (stored.length === 0) {
        await withPatience(session, this.patience, (transaction) =>
          ensureBronze(transaction, needed, historySchema),
        );
      } else if (needed.some(({ columns }) => columns.some(({ name }) => !stored.includes(name)))) return;
      const fileId = await reserve(session);
      if (fileId === undefined) return;
      const tag = await ledger.tag(session);
      const parts = [...Array(streamsOf(warehouse)).keys()];
      this.tables = parts.map((part) => ownTable({ ledger: tag, fileId }, part));
      this.fileId = fileId;
    });
  }

  private async copy(): Promise<number | undefined> {
    const { fileId, tables } = this;
    const verbatim = await this.ranges.began;
    if (!verbatim || fileId === undefined || this.isStopped) return undefined;
    const counts = await Promise.allSettled(
      tables.map(async (own) => {
        try {
          return await this.stream(own, fileId, verbatim);
        } catch (thrown) {
          this.giveUp();
          throw thrown;
        }
      }),
    );
    return counts.every((each) => each.status === "fulfilled")
      ? counts.reduce((sum, { value }) => sum + value, 0)
      : undefined;
  }

  /** Ends both streams, whatever they wait for. */
  private giveUp(): void {
    this.failure.abort();
    this.ranges.end(false);
  }

  /** Copies what nobody else has taken, as long as there is something. */
  private stream(own: RelationName, fileId: string, { asText }: Verbatim): Promise<number> {
    const { signal, patience } = this;
    const { warehouse, ledger } = this.context;
    const { source, shape } = this.target;
    const target = { source, shape, fileId, asText, own, numbered: true };
    return warehouse.withSession((session) =>
      copyStream(session, target, this.parts(), { ledger, signal, patience }),
    );
  }

  private async *parts(): AsyncGenerator<CopyPart, void> {
    const memory = new StreamMemory();
    for (;;) {
      const range = await this.ranges.take();
      if (!range) return;
      yield { firstRow: range.firstRow, blocks: this.blocksOf(range, memory) };
    }
  }

  private async *blocksOf({ pieces }: TextRange, memory: StreamMemory): AsyncGenerator<Buffer, void> {
    for await (const [from, until] of pieces)
      yield* verbatimBlocks(this.target.file, from, until, memory, (bytes) => this.sent(bytes));
  }

  private sent(bytes: number): void {
    this.bytes += bytes;
    this.onBytes?.(bytes);
  }
}
