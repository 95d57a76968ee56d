import { defineSource } from "aquifer";

/** The customer base as one file, without a key. */
export const dump = defineSource({
  name: "bank/dump",
  files: "bank-marketing-dataset*.csv",
  columns: { age: {}, job: {}, marital: {}, education: {}, default: {}, housing: {}, loan: {} },
});

const registrationColumns = {
  timestamp: { description: "When the person registered, DD/MM/YYYY HH:MM:SS." },
  email: {},
  first_name: {},
  last_name: {},
  birth_of_date: { description: "DD/MM/YYYY." },
  job: {},
  marital: {},
  education: {},
  default: {},
  housing: {},
  loan: {},
};

/** One file a day; only the first day's has a header. */
export const registration = defineSource({
  name: "bank/registration",
  files: "marketing_bank/*/combined_data_*.csv",
  header: "optional",
  columns: registrationColumns,
  period: { grain: "day", fromName: /combined_data_(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})\.csv$/ },
});

/** The registrations that come as messages, JSON or Avro: the same eleven fields. */
export const stream = defineSource({
  name: "bank/stream",
  kafka: {
    connection: "bank",
    topic: "data_bank_marketing",
    avro: { schema: "ingest/bank-registration.avsc" },
  },
  columns: {
    timestamp: {},
    email: {},
    first_name: {},
    last_name: {},
    birth_date: {},
    job: {},
    marital: {},
    education: {},
    default: {},
    housing: {},
    loan: {},
  },
});
