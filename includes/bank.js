/** What the bank's models share: cleaning rules, ids, labels and the meaning of every column. */

/** Every table of the gold layer; a test keeps the list complete. */
const gold = [
  "bank_dim_age_group",
  "bank_dim_education",
  "bank_dim_job",
  "bank_dim_marital",
  "bank_fact_bank_marketing",
  "bank_marketing",
  "bank_profile_feed",
  "bank_segment_summary",
  "bank_target_market",
];

/** Dimension -> key and label columns, which are named alike in the dimension and in what reads it. */
const dimensions = {
  age_group: { key: "age_group_id", label: "age_group" },
  job: { key: "job_id", label: "job_type" },
  education: { key: "education_id", label: "education_type" },
  marital: { key: "marital_id", label: "marital_type" },
};

/** The labels a dimension may hold: the specification's encodings. */
const labels = {
  age_group: ["10s", "20s", "30s", "40s", "50s", "60s", "70s", "80s", "90s"],
  education_type: [
    "unknown",
    "basic",
    "high school",
    "professional course",
    "university degree",
    "illiterate",
  ],
  job_type: [
    "unknown",
    "housemaid",
    "services",
    "admin",
    "blue-collar",
    "technician",
    "retired",
    "management",
    "unemployed",
    "self-employed",
    "entrepreneur",
    "student",
  ],
  marital_type: ["unknown", "single", "married", "divorced"],
};

const columns = {
  registration_id:
    "Identifies one registration: a hash of all its fields (of a dump row: of the file's content and the row's number).",
  customer_id:
    "Identifies a customer: a salted hash of lower(trim(email)); a dump row, which has no email, gets a hash of the file's content and its row number. Pseudonymous, not anonymous.",
  source: "How the record came: dump, registration (daily file) or stream (topic).",
  file_id: "The file in the ledger of ingest.",
  row_number: "The record's number in that file, from 1, the header not counted.",
  registered_at:
    "When the customer registered, local time of the bank; NULL for dump rows, which carry no date.",
  registered_month: "First day of the month of the registration; NULL where there is no date.",
  age: "Dump: as given. Registration: full years from birth date to the moment of registration.",
  age_group: "Age in tens: 30s is 30 to 39.",
  age_group_id: "Key of gold.bank_dim_age_group.",
  job_type: "Job in lower case without leading and trailing dots; unknown where not given.",
  job_id: "Key of gold.bank_dim_job.",
  education_type: "Education; basic stands for 4, 6 and 9 years of school; unknown where not given.",
  education_id: "Key of gold.bank_dim_education.",
  marital_type: "Marital status; unknown where not given.",
  marital_id: "Key of gold.bank_dim_marital.",
  has_default: "1: has a credit in default, 0: has none, NULL: not known.",
  has_housing: "1: has a housing loan, 0: has none, NULL: not known.",
  has_loan: "1: has a personal loan, 0: has none, NULL: not known.",
  reject_reason: "Why the record goes no further; NULL for an accepted one.",
  is_duplicate: "True for the second and further copies of the same registration; only the first goes on.",
  segment: "Age group, marital status, education and job in one text, for the campaign program.",
  is_target:
    "1 when the customer is in the target market: no housing loan, no default, in the twenties or thirties.",
  customers: "Customers, each counted once, by the latest registration.",
  housing_loan_owners: "Customers known to have a housing loan.",
  ownership_rate:
    "Housing-loan owners divided by all customers of the segment (those not known included), 0 to 1.",
  email: "E-mail address, trimmed and in lower case. Personal data.",
  first_name: "First name. Personal data.",
  last_name: "Last name. Personal data.",
  birth_date: "Birth date. Personal data.",
};

/** The descriptions of these columns, in this order. */
function describe(...names) {
  return Object.fromEntries(
    names.map((name) => {
      if (!columns[name]) throw new Error(`includes/bank.js describes no column "${name}"`);
      return [name, columns[name]];
    }),
  );
}

/** A row condition: the column holds one of its labels. */
function isLabel(column) {
  return `${column} in (${labels[column].map(literal).join(", ")})`;
}

/** A row condition: 1, 0 or NULL. */
function isFlag(column) {
  return `${column} in (0, 1)`;
}

/** `admin.` -> `admin`; blank -> `unknown`. */
function job(text) {
  return `coalesce(nullif(lower(btrim(${text}, E' .\\t')), ''), 'unknown')`;
}

/** `basic.4y` -> `basic`, `university.degree` -> `university degree`; blank -> `unknown`. */
function education(text) {
  return `coalesce(nullif(replace(regexp_replace(lower(btrim(${text})), '^basic\\.[469]y$', 'basic'), '.', ' '), ''), 'unknown')`;
}

/** Lower case; blank -> `unknown`. */
function marital(text) {
  return `coalesce(nullif(lower(btrim(${text})), ''), 'unknown')`;
}

/** The first 128 bits of the SHA-256 of a text, as uuid: half the size of hexadecimal text, and typed. */
function hash(text) {
  return `encode(substr(sha256(convert_to(${text}, 'UTF8')), 1, 16), 'hex')::uuid`;
}

/** The id of the customer with this (normalised) email: whoever has the salt computes the same id. */
function customerOfEmail(email) {
  return hash(`${salt()} || ':' || ${email}`);
}

/** The id of a row of a dump, which has no key of its own: the same file gives the same ids. */
function dumpRow(fileHash, row) {
  return hash(`${fileHash} || ':' || ${row}`);
}

/** The id of a registration with these values (SQL expressions): an exact copy has the same id. */
function registration(...values) {
  return hash(`${salt()} || jsonb_build_array(${values.join(", ")})::text`);
}

/** The salt of this installation, as an SQL literal. */
function salt() {
  const value = dataform.projectConfig.vars.pseudonym_salt;
  if (!value)
    throw new Error("dataform.json: vars.pseudonym_salt is missing; it salts the bank's customer ids");
  return literal(value);
}

/** Privileges on the contacts: the role in vars.bank_campaign_role may read; without the variable nobody but the owner. */
function contactGrants() {
  const role = dataform.projectConfig.vars.bank_campaign_role;
  return role ? { select: [role] } : {};
}

function literal(text) {
  return `'${text.replace(/'/g, "''")}'`;
}

module.exports = {
  gold,
  dimensions,
  labels,
  describe,
  isLabel,
  isFlag,
  job,
  education,
  marital,
  customerOfEmail,
  dumpRow,
  registration,
  salt,
  literal,
  contactGrants,
};
