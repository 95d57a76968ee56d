/**
 * How the columns of a file tell its source, beyond those that every file must have. A source that says it also takes files
 * whose name no source knows.
 *
 * @example { anyOf: [["paid_on", "amount"], "receipt"], without: ["meter"] }
 */
export interface ColumnRecognition {
  /** The file has all columns of one of these sets at least. */
  readonly anyOf: readonly (string | readonly string[])[];
  /** The file has none of these, declared or not. */
  readonly without?: readonly string[];
}

/**
 * What keeps a file's columns from being those of a source, each in words; none when they are.
 *
 * @param present the file's columns by their names in bronze
 */
export function recognitionProblems(
  recognition: ColumnRecognition | undefined,
  present: ReadonlySet<string>,
): string[] {
  if (!recognition) return [];
  const { anyOf, without = [] } = recognition;
  const sets = anyOf.map((set) => [set].flat());
  const fits = sets.some((set) => set.every((name) => present.has(name)));
  const unwanted = without.filter((name) => present.has(name));
  return [
    ...(fits ? [] : [sets.map((set) => set.join(" with ")).join(" or ")]),
    ...unwanted.map((name) => `the absence of ${name}`),
  ];
}

/** The columns that a recognition speaks of and a source could declare. */
export function recognizedColumns({ anyOf }: ColumnRecognition): string[] {
  return anyOf.flatMap((set) => [set].flat());
}
