import { nearestName } from "../base/nearest-name.js";
import type { SourceLocation } from "../base/source-location.js";
import type { ActionGraph } from "./action-graph.js";
import type { CompiledProject } from "./compiled-project.js";
import type { CoreError } from "./compile-worker.js";
import type { Target } from "./compiled-graph.js";
import type { CoreProtos } from "./core-protos.js";
import { lineColumnAt } from "../base/text-position.js";
import { findKey, findQuoted } from "./find-text.js";

/** What core reported, in words that name the place and what to do. */
export interface Explanation {
  readonly code: string;
  readonly message: string;
  readonly location?: SourceLocation;
  readonly hint?: string;
  readonly details?: readonly string[];
  /** Errors with the same text here are told once. */
  readonly once?: string;
  /** The name that could not be found. */
  readonly refersTo?: string;
  /** The file's code did not run to its end. */
  readonly preventsLoading?: boolean;
}

export interface Surroundings {
  readonly project: CompiledProject;
  readonly nodes: ActionGraph;
  readonly protos: CoreProtos;
  readonly reported: readonly CoreError[];
}

type Rule = readonly [
  message: RegExp,
  explain: (
    found: readonly string[],
    error: CoreError,
    surroundings: Surroundings,
  ) => Explanation | undefined,
];

/** Undefined for what is told better elsewhere. */
export function explain(error: CoreError, surroundings: Surroundings): Explanation | undefined {
  for (const [message, rule] of rules) {
    const found = message.exec(error.message);
    if (found) return rule([...found], error, surroundings);
  }
  const location = locationOf(error);
  return {
    code: "compile",
    message: error.message,
    preventsLoading: error.target === undefined,
    ...(location ? { location } : {}),
  };
}

const rules: readonly Rule[] = [
  [
    /^Could not resolve (.+)$/s,
    ([, reference = ""], error, all) => unknownReference(parseReference(reference), error, all),
  ],
  [
    /^Missing dependency detected: Action ".*" depends on "(.*)" which does not exist$/s,
    ([, reference = ""], error, all) => {
      const target = parseReference(reference);
      const location = error.file && findQuoted(all.project.files[error.file], error.file, target.name ?? "");
      return unknownReference(target, { ...error, ...(location ? { place: location } : {}) }, all);
    },
  ],
  // Told by our own search, in the project's words.
  [/^Circular dependency detected/, () => undefined],
  [/^Duplicate canonical target detected/, () => undefined],
  [
    /^Ambiguous Action name: (.+?)\. Did you mean one of: (.+)\.$/s,
    (found, error) => ambiguous(found, error),
  ],
  [/^Duplicate action name detected/, (_, error, all) => duplicateName(error, all)],
  [
    /^(?:([\w ]+) error: )?Unexpected (?:property "([^"]+)", or property value type|empty value for "([^"]+)")(?:[^#]*#(dataform-[\w-]+))?/,
    ([, where, property, empty, type], error, all) =>
      badKey(
        property ?? empty ?? "",
        type ?? (where === "Dataform json" ? "dataform-ProjectConfig" : ""),
        error,
        all,
      ),
  ],
  [
    /^Unexpected property "([^"]+)" in ([\w ]+)\. Supported properties are: (\[.*\])$/,
    ([, property = "", where = "", list = "[]"], error, all) =>
      unknownKey(property, JSON.parse(list) as string[], error, all, where),
  ],
  [
    /^Semi-colons are not allowed at the end of SQL statements/,
    (_, error, { project }) => ({
      code: "semicolon",
      message: "A model's SQL must not end with a semicolon",
      hint: "Take the semicolon away: the statement is put into a larger one.",
      ...located(error.file && lastSemicolon(project.files[error.file], error.file), error),
    }),
  ],
  [
    /^Unrecognized action type: (.*)$/,
    ([, type = ""], error, { project }) => ({
      code: "unknown-type",
      message: `There is no action of type "${type}"`,
      hint: oneOf(type, actionTypes),
      preventsLoading: true,
      ...located(error.file && findQuoted(project.files[error.file], error.file, type), error),
    }),
  ],
  [
    /^Running tests on incremental datasets is not yet supported/,
    (_, error) => ({
      code: "incremental-test",
      message: "Dataform does not take tests of incremental models in definitions/",
      hint: "Move the file to tests/models/; there it may have an input named self, the table as it stands.",
      ...located(undefined, error),
    }),
  ],
  [
    /([^\\/]+\.json): (.*?)(?: in JSON at position (\d+).*)?$/s,
    ([, file = "", message = "", position], _, { project }) => {
      const text = project.files[file] ?? "";
      return {
        code: "bad-json",
        message: message.replace(/^Syntax error: /, ""),
        location: { file, ...lineColumnAt(text, Number(position ?? text.length)) },
      };
    },
  ],
  [
    /([^\\/]+) is not a valid YAML file: .*\((\d+):(\d+)\)/s,
    ([message = "", file = "", line, column], error) => ({
      code: "bad-yaml",
      message: (message.split("\n")[0] ?? "").replace(/^.*: YAMLException: /, "Not valid YAML: "),
      preventsLoading: true,
      location: { file: error.file ?? file, line: Number(line), column: Number(column) },
    }),
  ],
  [
    /^Version mismatch: workflow settings specifies version (\S+), but (\S+) was found/,
    ([, wanted, found]) => ({
      code: "core-version",
      message: `workflow_settings.yaml asks for @dataform/core ${wanted}, but ${found} is installed`,
      location: { file: "workflow_settings.yaml" },
      hint: `Set dataformCoreVersion: ${found}, or install the other: npm install @dataform/core@${wanted}`,
    }),
  ],
];

function unknownReference(target: Target, error: CoreError, { nodes }: Surroundings): Explanation {
  const wanted = target.schema ? `${target.schema}.${target.name ?? ""}` : (target.name ?? "");
  const known = [...nodes.values()].map((node) =>
    target.schema ? node.key : (node.action.target.name ?? ""),
  );
  const nearest = nearestName(wanted, known);
  const location = locationOf(error);
  return {
    code: "unknown-ref",
    message: `Nothing in the project is named "${wanted}"`,
    refersTo: target.name ?? "",
    once: `unknown-ref ${location?.file ?? ""} ${wanted}`,
    hint:
      nearest === undefined
        ? `Declare it (config { type: "declaration" }) if the table exists outside of the project.`
        : `Did you mean "${nearest}"?`,
    ...(location ? { location } : {}),
  };
}

function parseReference(text: string): Target {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) return parsed;
    return { name: String(parsed) };
  } catch {
    return { name: text };
  }
}

function ambiguous(
  [, reference = "", list = ""]: readonly string[],
  error: CoreError,
): Explanation | undefined {
  const candidates = new Set(list.split(", "));
  // Two actions of one and the same name: the duplicate itself is told.
  if (candidates.size < 2) return undefined;
  const { name = "" } = parseReference(reference);
  return {
    code: "ambiguous-ref",
    message: `Several actions are named "${name}"`,
    hint: `Name the schema too: ${[...candidates].join(", ")}.`,
    once: `ambiguous ${error.file ?? error.place?.file ?? ""} ${name}`,
    ...located(undefined, error),
  };
}

function duplicateName(error: CoreError, { project, reported }: Surroundings): Explanation {
  const { schema = "", name = "" } = error.target ?? {};
  const file = error.file ?? "";
  const others = reported
    .filter((each) => each.message === error.message && each.file !== file)
    .map((each) => each.file ?? "");
  return {
    code: "duplicate-name",
    message: `Two actions are named "${schema}.${name}"`,
    hint: "Give one of them another name or schema in its config.",
    details: [...new Set(others)].map((other) => `also in ${other}`),
    once: `duplicate-name ${schema}.${name}`,
    location: findQuoted(project.files[file], file, name) ?? { file },
  };
}

function badKey(key: string, type: string, error: CoreError, all: Surroundings): Explanation {
  const known = type === "" ? [] : all.protos.keysOf(type.replaceAll("-", "."));
  if (!known.includes(key))
    return unknownKey(key, [...new Set([...known, ...legacyKeys])], error, all, "config");
  return {
    code: "bad-config-value",
    message: `"${key}" has a value of the wrong form`,
    hint: "See https://dataform-co.github.io/dataform/docs/configs-reference for its form.",
    preventsLoading: true,
    ...located(keyPlace(key, error, all), error),
  };
}

const actionTypes = ["table", "view", "incremental", "operations", "assertion", "declaration", "test"];

function oneOf(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? `Known here: ${known.join(", ")}.` : `Did you mean "${nearest}"?`;
}

/** What keys of SQLX files are called in the objects of the JavaScript API and in `actions.yaml`. */
const newNames: Readonly<Record<string, string>> = {
  dependencies: "dependencyTargets",
  schema: "dataset",
  database: "project",
};

/** Keys of 2.x that core still takes in SQLX files, beside those of its own messages. */
const legacyKeys = ["type", "schema", "database", "dependencies", "columns", "bigquery", "tags", "name"];

function unknownKey(
  key: string,
  known: readonly string[],
  error: CoreError,
  all: Surroundings,
  where: string,
): Explanation {
  const renamed = newNames[key];
  const others = known.filter((each) => each !== key);
  const isRenamed = renamed !== undefined && known.includes(renamed);
  return {
    code: "unknown-config-key",
    message: `Unknown key "${key}" in ${where}`,
    hint: isRenamed ? `Did you mean "${renamed}"?` : oneOf(key, others),
    preventsLoading: true,
    ...located(keyPlace(key, error, all), error),
  };
}

function keyPlace(key: string, error: CoreError, { project }: Surroundings): SourceLocation | undefined {
  if (error.place?.line !== undefined && !error.place.file.endsWith(".sqlx")) return error.place;
  const settings = ["dataform.json", "workflow_settings.yaml"].find((file) => file in project.files);
  const file = error.file ?? error.place?.file ?? settings;
  return file === undefined ? undefined : findKey(project.files[file], file, key);
}

function lastSemicolon(text: string | undefined, file: string): SourceLocation | undefined {
  const line = text?.slice(0, text.lastIndexOf(";")).split("\n");
  return line && { file, line: line.length, column: (line.at(-1)?.length ?? 0) + 1 };
}

function located(location: SourceLocation | "" | undefined, error: CoreError): { location?: SourceLocation } {
  const found = location || locationOf(error);
  return found ? { location: found } : {};
}

function locationOf(error: CoreError): SourceLocation | undefined {
  return error.place ?? (error.file === undefined ? undefined : { file: error.file });
}
