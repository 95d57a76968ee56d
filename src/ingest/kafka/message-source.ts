/** A message as it stands in a partition. */
export interface Message {
  readonly offset: number;
  /** Milliseconds since 1970; undefined where the producer gave none. */
  readonly timestamp: number | undefined;
  readonly key: Buffer | null;
  /** Null in a tombstone. */
  readonly value: Buffer | null;
}

/** What can be read of a partition now. */
export interface PartitionBounds {
  readonly partition: number;
  /** The oldest offset that retention has left. */
  readonly start: number;
  /** Past the last offset whose transaction is decided: the high-water mark, or before an open transaction. */
  readonly end: number;
}

/** Messages that came together, and where reading goes on after them. */
export interface MessageBlock {
  readonly messages: readonly Message[];
  /** Past everything that was read: control records and aborted messages are behind it too. */
  readonly next: number;
}

/** A broker to read topics from, without a consumer group: where reading goes on is for the caller to know. */
export interface MessageSource {
  /** `host:port`, for people. */
  readonly place: string;
  /**
   * The partitions of a topic, in the order of their numbers.
   *
   * @throws AquiferError `unknown-topic`
   */
  partitions(topic: string): Promise<readonly PartitionBounds[]>;
  /**
   * The committed messages of a partition from one offset up to another, not included. Ends early only where the broker has
   * no message before `to`.
   *
   * @throws AquiferError `lost-messages` when `from` lies before what retention has left
   */
  read(range: MessageRange, signal: AbortSignal): AsyncIterable<MessageBlock>;
  close(): Promise<void>;
}

export interface MessageRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Opens a broker by the name of its connection; undefined when none is configured. */
export type OpenBroker = (connection: string) => Promise<MessageSource | undefined>;
