import { defineSample, Random, Weighted, type SampleMessage, type SampleRequest } from "aquifer";

/** Shares of the real customer base, in 1/10,000 of all: by job, the educations, then the ages by decade. */
const educations = [
  "university.degree",
  "high.school",
  "basic.9y",
  "professional.course",
  "basic.4y",
  "basic.6y",
  "unknown",
  "illiterate",
];
const decades = [10, 20, 30, 40, 50, 60, 70, 80, 90];
const shares: readonly (readonly [job: string, educations: readonly number[], decades: readonly number[]])[] =
  [
    ["admin.", [1397, 808, 121, 88, 19, 37, 60, 0], [0, 394, 1188, 601, 322, 24, 2, 0, 0]],
    ["blue-collar", [23, 213, 880, 110, 563, 346, 110, 2], [0, 283, 917, 693, 344, 10, 0, 0, 0]],
    ["technician", [439, 212, 93, 806, 14, 21, 51, 0], [0, 195, 817, 394, 220, 12, 0, 0, 0]],
    ["services", [42, 651, 94, 53, 32, 55, 36, 0], [0, 175, 411, 251, 125, 2, 0, 0, 0]],
    ["management", [501, 72, 40, 22, 24, 21, 30, 0], [0, 44, 260, 221, 171, 13, 1, 0, 0]],
    ["retired", [69, 67, 35, 59, 145, 18, 24, 1], [0, 1, 7, 19, 201, 89, 69, 30, 2]],
    ["entrepreneur", [148, 57, 51, 33, 33, 17, 14, 0], [0, 25, 135, 111, 77, 4, 0, 0, 0]],
    ["self-employed", [186, 29, 53, 41, 23, 6, 7, 1], [0, 45, 137, 93, 65, 5, 0, 0, 0]],
    ["housemaid", [34, 42, 23, 14, 115, 19, 10, 0], [0, 11, 76, 76, 78, 10, 3, 3, 0]],
    ["unemployed", [64, 63, 45, 34, 27, 8, 5, 0], [0, 33, 101, 69, 41, 2, 0, 0, 0]],
    ["student", [41, 87, 24, 10, 6, 3, 41, 0], [18, 147, 45, 2, 0, 0, 0, 0, 0]],
    ["unknown", [11, 9, 8, 3, 13, 5, 32, 0], [0, 6, 18, 27, 22, 6, 1, 0, 0]],
  ];

/** In 1/1,000 of each decade: marital statuses, then the years within it. */
const maritals = ["married", "single", "divorced", "unknown"];
const byDecade: readonly (readonly [
  decade: number,
  maritals: readonly number[],
  years: readonly number[],
])[] = [
  [10, [0, 1000, 0, 0], [0, 0, 0, 0, 0, 0, 0, 67, 373, 560]],
  [20, [292, 682, 24, 2], [12, 18, 24, 40, 83, 107, 125, 152, 179, 260]],
  [30, [572, 341, 85, 2], [101, 115, 109, 108, 103, 104, 105, 87, 83, 85]],
  [40, [712, 137, 150, 1], [110, 121, 108, 100, 96, 105, 98, 88, 93, 80]],
  [50, [757, 61, 179, 3], [128, 110, 114, 107, 100, 94, 103, 94, 84, 67]],
  [60, [840, 36, 122, 3], [391, 101, 86, 76, 79, 61, 79, 36, 46, 47]],
  [70, [755, 34, 210, 0], [147, 166, 107, 107, 100, 75, 107, 63, 85, 44]],
  [80, [493, 29, 479, 0], [221, 143, 121, 121, 50, 107, 57, 7, 157, 14]],
  [90, [800, 0, 200, 0], [0, 200, 400, 0, 100, 100, 0, 0, 200, 0]],
];

const jobs = new Weighted(shares.map(([job, by]) => [job, sum(by)]));
const education = new Map(shares.map(([job, by]) => [job, weighted(educations, by)]));
const decade = new Map(shares.map(([job, , by]) => [job, weighted(decades, by)]));
const marital = new Map(byDecade.map(([ten, by]) => [ten, weighted(maritals, by)]));
const year = new Map(byDecade.map(([ten, , by]) => [ten, weighted([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], by)]));
const inDefault = new Weighted([
  ["no", 7912],
  ["unknown", 2087],
  ["yes", 1],
]);
const loans = new Weighted([
  ["yes,no", 4342],
  ["no,no", 3900],
  ["yes,yes", 896],
  ["no,yes", 621],
  ["unknown,unknown", 240],
]);

/** Days before this one have no registrations. */
const firstDay = Date.UTC(2020, 10, 1);
const header =
  "Timestamp,Email,First Name,Last Name,Birth of Date,Job,Marital,Education,Default,Housing,Loan\n";

/** One of so many rows is dirty in each of these ways; the counts follow from the number of rows alone. */
const rowsPerFlaw = {
  duplicate: 200,
  blankEmail: 500,
  invalidBirth: 500,
  tooYoung: 1000,
  tooOld: 1000,
  spacedEmail: 50,
};
type Flaw = keyof typeof rowsPerFlaw;

/**
 * A dump of `customers` rows, and daily registrations of a twentieth of them a month, some people more than once; for the
 * topic as many again, every fourth in Avro, with dates that interleave.
 */
export const bank = defineSample({
  name: "bank",
  description: "Customer dump, daily registration files and registration messages of the bank.",
  defaults: { customers: 10_000, months: 2 },
  *files({ customers, months, seed }) {
    yield {
      path: "bank-marketing-dataset.csv",
      rows: customers,
      content: dumpLines(customers, Random.of(seed, "dump")),
    };
    const days = (Date.UTC(2020, 10 + months, 1) - firstDay) / 86_400_000;
    const registrations = Math.ceil((customers * months) / 20);
    const flaws = new FlawPlan(registrations, Random.of(seed, "flaws"));
    for (let day = 0, written = 0; day < days; day++) {
      const date = new Date(firstDay + day * 86_400_000);
      const iso = date.toISOString().slice(0, 10);
      const until = Math.round((registrations * (day + 1)) / days);
      const lines = registrationLines(
        { date, count: until - written, customers, seed },
        flaws,
        Random.of(seed, iso),
      );
      // A day without registrations sends no file; the first day's file has the header at least.
      if (until === written && day > 0) continue;
      yield {
        path: `marketing_bank/${iso}/combined_data_${iso}.csv`,
        content: day === 0 ? prefixed(header, lines) : lines,
      };
      written = until;
    }
  },
  *topics({ customers, months, seed }) {
    const messages = registrationMessages({ customers, months, seed });
    yield { connection: "bank", topic: "data_bank_marketing", messages };
  },
});

function* registrationMessages({ customers, months, seed }: SampleRequest): Generator<SampleMessage> {
  const random = Random.of(seed, "messages");
  const count = Math.ceil((customers * months) / 20);
  const flaws = new FlawPlan(count, Random.of(seed, "message flaws"));
  const milliseconds = Date.UTC(2020, 10 + months, 1) - firstDay;
  for (let row = 0; row < count; row++) {
    // A message may overtake those of the two days before it.
    const delay = random.integer(0, 2 * 86_400_000);
    const moment = new Date(Math.max(firstDay, firstDay + (milliseconds * row) / count - delay));
    const flaw = flaws.next();
    const line = registration({ date: moment, count: 1, customers, seed }, flaw, random);
    const values = line.trimEnd().split(",");
    const isAvro = row % 4 === 3;
    const value = isAvro
      ? framedAvro(values)
      : JSON.stringify(Object.fromEntries(messageFields.map((name, index) => [name, values[index]])));
    const message = { key: values[1] ?? "", value, timestamp: moment };
    yield message;
    // The producer sends at least once.
    if (flaw === "duplicate") yield message;
  }
}

const messageFields = [
  ...["timestamp", "email", "first_name", "last_name", "birth_date"],
  ...["job", "marital", "education", "default", "housing", "loan"],
];

/** A record of strings as Avro, behind a zero byte and the number of its schema. */
function framedAvro(values: readonly string[]): Uint8Array {
  const texts = values.map((value) => {
    const bytes = Buffer.from(value);
    // No text is longer than one byte can say: a length counts twice, and its highest bit means that it goes on.
    return Buffer.concat([Buffer.of(bytes.length * 2), bytes]);
  });
  return Buffer.concat([Buffer.of(0, 0, 0, 0, 1), ...texts]);
}

function* dumpLines(count: number, random: Random): Generator<string> {
  yield "age,job,marital,education,default,housing,loan\n";
  for (let row = 0; row < count; row++) {
    const { age, attributes } = profile(random);
    yield `${age},${attributes}\n`;
  }
}

interface Day {
  readonly date: Date;
  readonly count: number;
  readonly customers: number;
  readonly seed: number;
}

function* registrationLines(day: Day, flaws: FlawPlan, random: Random): Generator<string> {
  for (let row = 0; row < day.count; row++) {
    const flaw = flaws.next();
    const line = registration(day, flaw, random);
    yield line;
    // The copy stands for a row of its own in the plan, so it comes on top of the day's count.
    if (flaw === "duplicate") yield line;
  }
}

function registration({ date, customers, seed }: Day, flaw: Flaw | undefined, random: Random): string {
  const number = random.integer(1, customers);
  const person = Random.of(seed, `person ${number}`);
  const { age, attributes } = profile(person);
  const [first, last] = [invented(person), invented(person)];
  const birthday = new Date(
    Date.UTC(date.getUTCFullYear() - lived(flaw, age), 0, 1 + person.integer(0, 364)),
  );
  const email = `${first}.${last}.${number}@example.com`.toLowerCase();
  const emails: Partial<Record<Flaw, string>> = { blankEmail: "", spacedEmail: ` ${email.toUpperCase()} ` };
  const birth = flaw === "invalidBirth" ? "31/02/1985" : slashed(birthday);
  const time = [random.integer(0, 23), random.integer(0, 59), random.integer(0, 59)].map(two).join(":");
  return `${slashed(date)} ${time},${(flaw && emails[flaw]) ?? email},${first},${last},${birth},${attributes}\n`;
}

function lived(flaw: Flaw | undefined, age: number): number {
  return flaw === "tooYoung" ? 3 : flaw === "tooOld" ? 120 : age;
}

/** Age, and the other columns as they stand in a line. */
function profile(random: Random): { age: number; attributes: string } {
  const job = jobs.draw(random);
  const ten = decade.get(job)?.draw(random) ?? 30;
  const age = ten + (year.get(ten)?.draw(random) ?? 0);
  const parts = [
    job,
    marital.get(ten)?.draw(random),
    education.get(job)?.draw(random),
    inDefault.draw(random),
  ];
  return { age, attributes: `${parts.join(",")},${loans.draw(random)}` };
}

/** Spreads a fixed number of each flaw over all rows by selection sampling (Knuth, TAOCP 3.4.2, algorithm S). */
class FlawPlan {
  private readonly left: Map<Flaw, number>;

  constructor(
    private rows: number,
    private readonly random: Random,
  ) {
    this.left = new Map(
      Object.entries(rowsPerFlaw).map(([flaw, every]) => [flaw as Flaw, Math.ceil(rows / every)]),
    );
  }

  next(): Flaw | undefined {
    let position = this.random.next() * this.rows--;
    for (const [flaw, count] of this.left) {
      position -= count;
      if (position < 0) {
        this.left.set(flaw, count - 1);
        return flaw;
      }
    }
    return undefined;
  }
}

const starts = [
  "Ba",
  "De",
  "Fi",
  "Ga",
  "Ho",
  "Ka",
  "Lu",
  "Mi",
  "No",
  "Pe",
  "Ra",
  "Su",
  "Ta",
  "Vo",
  "Wi",
  "Ze",
] as const;
const ends = ["ban", "dra", "gan", "lia", "mir", "nor", "pan", "ris", "sol", "tan", "vek", "zan"] as const;

function invented(random: Random): string {
  return random.pick(starts) + random.pick(ends);
}

function slashed(date: Date): string {
  return `${two(date.getUTCDate())}/${two(date.getUTCMonth() + 1)}/${date.getUTCFullYear()}`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

function* prefixed(first: string, lines: Iterable<string>): Generator<string> {
  yield first;
  yield* lines;
}

function weighted<T>(items: readonly T[], weights: readonly number[]): Weighted<T> {
  return new Weighted(items.map((item, index) => [item, weights[index] ?? 0]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
