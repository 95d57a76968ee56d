import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AquiferError, asError } from "../base/errors.js";

/** The file that `check --pull` writes beside `dataform.json`, committed with the project. */
export const snapshotFile = "sources.json";

/**
 * What the project takes from its warehouse and does not make itself: columns of declarations, functions, types,
 * extensions, roles. Names and types only: no data, no defaults, no bodies. Lists are sorted, so that the same warehouse
 * gives the same bytes.
 */
export interface Snapshot {
  readonly version: 1;
  /** Major version of the server that it was taken from. */
  readonly server: number;
  readonly extensions: readonly SnapshotExtension[];
  /** Roles that the project's statements name. */
  readonly roles: readonly string[];
  readonly types: readonly SnapshotType[];
  readonly relations: readonly SnapshotRelation[];
  readonly functions: readonly SnapshotFunction[];
}

export interface SnapshotExtension {
  readonly name: string;
  readonly schema: string;
}

export type SnapshotType = { readonly schema: string; readonly name: string } & (
  | { readonly kind: "enum"; readonly labels: readonly string[] }
  | { readonly kind: "domain"; readonly type: string; readonly notNull?: true }
  | { readonly kind: "composite"; readonly columns: readonly SnapshotColumn[] }
  | { readonly kind: "range"; readonly type: string }
);

export interface SnapshotRelation {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly SnapshotColumn[];
}

export interface SnapshotColumn {
  readonly name: string;
  /** As PostgreSQL writes it, with the schema of types that are not its own. */
  readonly type: string;
  readonly notNull?: true;
}

export interface SnapshotFunction {
  readonly schema: string;
  readonly name: string;
  readonly kind: "function" | "procedure" | "aggregate";
  /** As `create function` takes them; a default is written as null. */
  readonly arguments: string;
  /** Types of the arguments that a caller gives, for an aggregate. */
  readonly takes: readonly string[];
  /** As `create function` takes it; absent for procedures. */
  readonly returns?: string;
  readonly volatility: "immutable" | "stable" | "volatile";
}

/**
 * The project's `sources.json`; undefined where there is none.
 *
 * @throws AquiferError `bad-snapshot`
 */
export async function readSnapshot(projectRoot: string): Promise<Snapshot | undefined> {
  const text = await readFile(join(projectRoot, snapshotFile), "utf8").catch((thrown: unknown) => {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  });
  if (text === undefined) return undefined;
  try {
    const parsed = JSON.parse(text) as Partial<Snapshot>;
    if (parsed.version === 1) return parsed as Snapshot;
    throw new Error(`version ${String(parsed.version)} is not known`);
  } catch (thrown) {
    throw new AquiferError(`It is no snapshot of a warehouse: ${asError(thrown).message}`, {
      code: "bad-snapshot",
      location: { file: snapshotFile },
      hint: "Take it anew: dataform check --pull.",
    });
  }
}

/** Writes `sources.json`. */
export async function writeSnapshot(projectRoot: string, snapshot: Snapshot): Promise<void> {
  await writeFile(join(projectRoot, snapshotFile), `${JSON.stringify(snapshot, null, 2)}\n`);
}

/** How a snapshot differs from a later one, one line a thing: `+ erp.orders.note text`. Empty when nothing does. */
export function snapshotDifference(before: Snapshot | undefined, after: Snapshot): string[] {
  const [old, fresh] = [new Set(before === undefined ? [] : things(before)), new Set(things(after))];
  return [
    ...[...old].filter((line) => !fresh.has(line)).map((line) => `- ${line}`),
    ...[...fresh].filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ];
}

function things({ server, extensions, roles, types, relations, functions }: Snapshot): string[] {
  return [
    `server ${server}`,
    ...extensions.map(({ name, schema }) => `extension ${name} in ${schema}`),
    ...roles.map((name) => `role ${name}`),
    ...types.map(({ schema, name, ...rest }) => `type ${schema}.${name} ${JSON.stringify(rest)}`),
    ...relations.flatMap(({ schema, name, columns }) =>
      columns.map(
        (column) =>
          `${schema}.${name}.${column.name} ${column.type}${column.notNull === true ? " not null" : ""}`,
      ),
    ),
    ...functions.map(
      (each) =>
        `${each.kind} ${each.schema}.${each.name}(${each.arguments})${each.returns === undefined ? "" : ` returns ${each.returns}`} ${each.volatility}`,
    ),
  ];
}
