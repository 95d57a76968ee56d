/** Rows for the bank's unit tests, so that a test names only the values that it is about. */

const text = (value) => (value === null ? "null::text" : `'${value.replace(/'/g, "''")}'::text`);
const number = (type) => (value) => (value === null ? `null::${type}` : `${value}::${type}`);
const date = (value) => (value === null ? "null::date" : `date '${value}'`);
const timestamp = (value) => (value === null ? "null::timestamp" : `timestamp '${value}'`);
const expression = (value) => value;

/** `select ... union all select ...` with the values of each row, by the type of each column; no rows: an empty relation. */
function select(types, defaults, rows) {
  const list = (row) =>
    Object.entries(types)
      .map(([column, type]) => `${type(row[column])} as "${column}"`)
      .join(", ");
  if (rows.length === 0) return `select ${list(defaults())} where false`;
  return rows
    .map((row, index) => `select ${list({ ...defaults(index, row), ...row })}`)
    .join("\nunion all\n");
}

const answers = { job: text, marital: text, education: text, default: text, housing: text, loan: text };
const someAnswers = {
  job: "admin.",
  marital: "married",
  education: "basic.4y",
  default: "no",
  housing: "yes",
  loan: "no",
};

/** Rows of bronze.bank_dump, of a file whose hash is `h`. */
function dump(...rows) {
  const origin = { _file_id: number("bigint"), _row: number("bigint"), _file_hash: text, _period: date };
  return select(
    { age: text, ...answers, ...origin },
    (index = 0) => ({
      age: "40",
      ...someAnswers,
      _file_id: 1,
      _row: index + 1,
      _file_hash: "h",
      _period: null,
    }),
    rows,
  );
}

/** Rows of bronze.bank_registration (`bornColumn`: birth_of_date) or bronze.bank_stream (birth_date). */
function registrations(bornColumn, ...rows) {
  const person = { timestamp: text, email: text, first_name: text, last_name: text, [bornColumn]: text };
  return select(
    { ...person, ...answers, _file_id: number("bigint"), _row: number("bigint") },
    (index = 0) => ({
      timestamp: "11/11/2020 06:05:36",
      email: "ann@example.org",
      first_name: "Ann",
      last_name: "Lee",
      [bornColumn]: "14/12/1980",
      ...someAnswers,
      _file_id: 2,
      _row: index + 1,
    }),
    rows,
  );
}

/** Rows of silver.bank_record as expected for the defaults of `dump`. */
function dumpRecords(...rows) {
  return records(rows, (index = 0) => ({
    source: "dump",
    file_id: 1,
    registration_id: hexHash(`'h:${index + 1}'`),
    customer_id: hexHash(`'h:${index + 1}'`),
    registered_at: null,
    registered_month: null,
    age: 40,
    age_group: "40s",
  }));
}

/** Rows of silver.bank_record as expected for the defaults of `registrations`; `birth_date` goes into the id only. */
function registrationRecords(...rows) {
  return records(rows, (index = 0, row = {}) => {
    const registeredAt = row.registered_at ?? "2020-11-11 06:05:36";
    const values = [text("ann@example.org"), text("Ann"), text("Lee")];
    values.push(timestamp(registeredAt), date(row.birth_date ?? "1980-12-14"));
    values.push(text("admin"), text("basic"), text("married"), "0", "1", "0");
    return {
      source: "registration",
      file_id: 2,
      registration_id: bank.registration(...values),
      customer_id: hexHash(`${bank.salt()} || ':ann@example.org'`),
      registered_at: registeredAt,
      registered_month: `${registeredAt.slice(0, 7)}-01`,
      age: 39,
      age_group: "30s",
    };
  });
}

function records(rows, defaults) {
  return select(
    {
      source: text,
      file_id: number("bigint"),
      row_number: number("bigint"),
      registration_id: expression,
      customer_id: expression,
      registered_at: timestamp,
      registered_month: date,
      age: number("integer"),
      age_group: text,
      job_type: text,
      education_type: text,
      marital_type: text,
      has_default: number("smallint"),
      has_housing: number("smallint"),
      has_loan: number("smallint"),
      reject_reason: text,
      is_duplicate: number("boolean"),
    },
    (index = 0, row = {}) => ({
      row_number: index + 1,
      job_type: "admin",
      education_type: "basic",
      marital_type: "married",
      has_default: 0,
      has_housing: 1,
      has_loan: 0,
      reject_reason: null,
      is_duplicate: false,
      ...defaults(index, row),
      ...(row.reject_reason ? { registration_id: "null::uuid" } : {}),
    }),
    rows,
  );
}

/** The first 32 hexadecimal digits of the SHA-256, as uuid: the rule of ids in other words than the models'. */
function hexHash(sql) {
  return `left(encode(sha256((${sql})::bytea), 'hex'), 32)::uuid`;
}

module.exports = { dump, registrations, dumpRecords, registrationRecords, hexHash };
