import { AquiferError, AquiferErrors } from "../base/errors.js";
import { maxIdentifierBytes } from "../base/identifiers.js";
import { excerpt, formatLocation, type SourceLocation } from "../base/source-location.js";
import { actionGraph, type ActionGraph } from "./action-graph.js";
import type { CompiledProject } from "./compiled-project.js";
import type { CoreError } from "./compile-worker.js";
import type { CoreProtos } from "./core-protos.js";
import { findCycles } from "./cycles.js";
import { explain, type Explanation } from "./explain-error.js";
import { findQuoted } from "./find-text.js";
import { parseSqlx } from "./sqlx.js";

/** As many as a person reads: a fault in an included file may spoil every model. */
const mostShown = 20;

/** All that is wrong with a compiled project, as one error to throw; undefined when nothing is. */
export function compileErrors(
  project: CompiledProject,
  reported: readonly CoreError[],
  protos: CoreProtos,
): AquiferError | undefined {
  const nodes = actionGraph(project.graph);
  const explanations = [
    ...reported.flatMap((error) => explain(error, { project, nodes, protos, reported }) ?? []),
    ...cycles(project, nodes),
    ...longNames(project, nodes),
  ];
  const unloaded = new Set(
    explanations.filter((each) => each.preventsLoading).map((each) => baseName(each.location?.file ?? "")),
  );
  const errors = new Map<string, AquiferError>();
  for (const each of explanations) {
    // A file that did not load defines nothing, so that refs to it fail too: only the cause is told.
    if (each.refersTo !== undefined && unloaded.has(each.refersTo)) continue;
    const error = asError(project, each);
    const key = each.once ?? `${error.location ? formatLocation(error.location) : ""} ${error.message}`;
    if (!errors.has(key)) errors.set(key, error);
  }
  const all = [...errors.values()];
  if (all.length <= 1) return all[0];
  const more = all.length > mostShown ? `; these are the first ${mostShown}` : "";
  return new AquiferErrors(
    `The project has ${all.length} compilation errors${more}`,
    all.slice(0, mostShown),
    { code: "compile" },
  );
}

function asError(project: CompiledProject, explanation: Explanation): AquiferError {
  const { location, message, code, hint, details } = explanation;
  const text = location && project.files[location.file];
  return new AquiferError(message, {
    code,
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
    ...(location === undefined ? {} : { location }),
    ...(text !== undefined && location?.line !== undefined
      ? { excerpt: excerpt(text, location.line, location.column) }
      : {}),
    ...unclosedBlock(text, location, explanation),
  });
}

/** A block without its `}` makes V8 complain somewhere else: name the block too. */
function unclosedBlock(
  text: string | undefined,
  location: SourceLocation | undefined,
  { preventsLoading, hint }: Explanation,
): { hint?: string } {
  if (!preventsLoading || hint !== undefined || text === undefined || !location?.file.endsWith(".sqlx"))
    return {};
  const open = parseSqlx(text).blocks.find((block) => block.kind !== "sql" && block.bodyEnd === block.end);
  if (open === undefined) return {};
  const line = text.slice(0, open.start).split("\n").length;
  return { hint: `The ${open.kind} block that begins on line ${line} is never closed.` };
}

function cycles(project: CompiledProject, nodes: ActionGraph): Explanation[] {
  return findCycles(nodes).map((cycle) => {
    const first = nodes.get(cycle[0] ?? "");
    const file = first?.action.fileName;
    const next = nodes.get(cycle[1] ?? cycle[0] ?? "");
    return {
      code: "cycle",
      message: `These actions depend on each other: ${[...cycle, cycle[0]].join(" -> ")}`,
      details: cycle.map((key) => `${key}: ${nodes.get(key)?.action.fileName ?? ""}`),
      hint: "Take one of these references away.",
      ...(file === undefined
        ? {}
        : { location: findQuoted(project.files[file], file, next?.action.target.name ?? "") ?? { file } }),
    };
  });
}

function longNames(project: CompiledProject, nodes: ActionGraph): Explanation[] {
  return [...nodes.values()].flatMap((node) => {
    if (node.kind === "assertion" && node.action.parentAction) return [];
    const { schema = "", name = "" } = node.action.target;
    return [schema, name].flatMap((each): Explanation[] => {
      const bytes = Buffer.byteLength(each);
      if (bytes <= maxIdentifierBytes) return [];
      const file = node.action.fileName;
      return [
        {
          code: "name-too-long",
          message: `The name "${each}" has ${bytes} bytes; PostgreSQL keeps ${maxIdentifierBytes}`,
          hint: "Choose a shorter name: PostgreSQL would silently cut it.",
          once: `name-too-long ${each}`,
          ...(file === undefined
            ? {}
            : { location: findQuoted(project.files[file], file, each) ?? { file } }),
        },
      ];
    });
  });
}

function baseName(file: string): string {
  return file.replace(/^.*\//, "").replace(/\.[^.]*$/, "");
}
