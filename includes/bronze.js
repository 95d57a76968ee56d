/** Where each row of a bronze table is from: the columns that ingest adds to those of the files. */
const origin = {
  _file_id: "The file's row in the ledger of ingest.",
  _row: "1 for the first record after the header, rejected ones counted.",
  _file_name: "The file's path below raw/.",
  _file_hash: "SHA-256 of the file's content.",
  _period: "First day of the file's period.",
  _batch: "The batch that loaded the file.",
  _loaded_at: "When the batch became visible.",
};

/** The message of each row, of a table that a topic fills. */
const message = {
  _topic: "The topic of the message.",
  _partition: "The partition of the message.",
  _offset: "The message's place in its partition.",
  _timestamp: "The message's own time.",
  _key: "The message's key.",
  _value: "The message's value as it came.",
};

module.exports = { origin, message };
