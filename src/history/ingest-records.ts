/** What is known of a file before its rows are loaded. */
export interface FileRecord {
  readonly source: string;
  readonly bronzeTable: string;
  /** Path below `raw/`, with forward slashes. */
  readonly fileName: string;
  readonly slot: string;
  /** `YYYY-MM-DD`. */
  readonly period: string | undefined;
  readonly periodRule: string | undefined;
  /** What the file's name tells, by group. */
  readonly nameParts: Readonly<Record<string, string>>;
  readonly contentHash: string;
  /** The file whose stored rows hold this content already. */
  readonly storedAs: string | undefined;
  readonly bytes: number;
  readonly modifiedAt: Date;
  readonly encoding: string;
  readonly encodingEvidence: string | undefined;
  readonly dialect: Readonly<Record<string, unknown>>;
  readonly classification: string;
  readonly header: readonly string[];
  readonly columnsAdded: readonly string[];
  readonly columnsMissing: readonly string[];
  readonly rowsRead: number;
  readonly rowsRejected: number;
  readonly rowsRepaired: number;
  readonly nulBytes: number;
  readonly method: string;
  /** Hash of what the sources of its system were; undefined of what is no file. */
  readonly declaration: string | undefined;
}

/** What was read of a version of a file that was loaded, under these declarations. */
export interface ReadVersion extends Omit<
  FileRecord,
  | "bronzeTable"
  | "storedAs"
  | "modifiedAt"
  | "encodingEvidence"
  | "dialect"
  | "header"
  | "nulBytes"
  | "declaration"
> {
  readonly declaration: string;
}

/** A file whose rows are read by models now. Ids are bigint, so text. */
export interface CurrentFile extends Pick<
  FileRecord,
  "source" | "fileName" | "slot" | "period" | "nameParts" | "contentHash"
> {
  readonly fileId: string;
}

/** The last version of a file that was loaded under a name, current or not. */
export interface LastVersion extends Pick<
  FileRecord,
  "source" | "fileName" | "period" | "contentHash" | "modifiedAt"
> {
  /** The name of the file that took its place. */
  readonly supersededBy: string | undefined;
}

/** A source that a file is expected of, or may be. */
export interface DeclaredSource {
  readonly source: string;
  readonly system: string;
  readonly bronzeTable: string;
  /** Grain of the periods that each want a file. */
  readonly expected: "day" | "month" | "year" | undefined;
}

/** A period for which a source has no file. */
export interface MissingFile {
  readonly source: string;
  /** First day, `YYYY-MM-DD`. */
  readonly period: string;
}

/** A current file that is an extract of a database. */
export interface CurrentExtract {
  readonly source: string;
  readonly slot: string;
  readonly fileName: string;
  readonly contentHash: string;
  /** `YYYY-MM-DD`. */
  readonly period: string | undefined;
  /** In text: a bigint. */
  readonly rows: string;
  readonly bytes: number;
  readonly dialect: ExtractDialect;
}

/** What the ledger keeps of an extract in place of a file's dialect. */
export interface ExtractDialect {
  readonly connection: string;
  readonly relation: string;
  /** Each column's type at the source. */
  readonly types: Readonly<Record<string, string>>;
  readonly cursor?: string;
  /** Bounds of the cursor: from the first on, up to the second and without it. */
  readonly from?: string;
  readonly to?: string;
}

/** Where a partition of a topic goes on. */
export interface TopicPosition {
  readonly source: string;
  readonly connection: string;
  readonly topic: string;
  readonly partition: number;
  /** The offset after the last one that was loaded. */
  readonly next: number;
  /** Of the messages that were loaded, or are rejects; undefined where there was none. */
  readonly last: LoadedMessage | undefined;
}

/** A message that is known again by its digest. */
export interface LoadedMessage {
  readonly offset: number;
  readonly digest: string;
}

export interface StoredContent {
  /** The file that holds the rows. */
  readonly fileId: string;
  readonly source: string;
  readonly contentHash: string;
}

export interface Reject {
  readonly row: number;
  readonly line: number;
  readonly column: string | undefined;
  readonly error: string;
  readonly raw: string;
}

/** Rows of a batch that never ended, for sweeping. */
export interface AbandonedFile {
  readonly fileId: string;
  readonly bronzeTable: string;
}
