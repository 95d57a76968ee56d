import { readFileSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { glob } from "tinyglobby";
import { cachePath, compileCache, takeStamps } from "./compile-cache.js";
import { compileErrors } from "./compile-errors.js";
import type { CompileAnswer, CompileTask } from "./compile-worker.js";
import type { CompiledGraph, CompiledAction } from "./compiled-graph.js";
import type { CompiledProject, InlineAssertion } from "./compiled-project.js";
import { coreProtos, type CoreProtos } from "./core-protos.js";
import { findCore } from "./find-core.js";
import { findProject } from "./find-project.js";
import { receiveParts, type GraphPart } from "./graph-parts.js";
import { plainFromStruct } from "./struct.js";
import { startThread } from "./worker-thread.js";

/** Settings of the project that a command line may override. */
export interface ProjectOverrides {
  readonly defaultDatabase?: string;
  readonly defaultSchema?: string;
  readonly assertionSchema?: string;
  readonly vars?: Readonly<Record<string, string>>;
  readonly schemaSuffix?: string;
  readonly tablePrefix?: string;
  readonly disableAssertions?: boolean;
}

export interface CompileOptions {
  /** Folder of the project. */
  readonly projectRoot: string;
  readonly overrides?: ProjectOverrides;
  /** `bigquery` leaves core's own SQL as it is; for comparison with Google's CLI. */
  readonly dialect?: "postgres" | "bigquery";
  /** Milliseconds until the compilation is given up; 60,000 unless said, as in Google's CLI. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Is handed what the project's own code prints. */
  readonly onOutput?: (text: string) => void;
}

/**
 * Compiles a Dataform project with the unmodified `@dataform/core` (the project's own copy if it has one) in a worker
 * thread. All errors of the project are reported at once, with file, line and column where they are knowable.
 *
 * @throws AquiferErrors when the project does not compile
 * @example
 * const { graph } = await compileProject({ projectRoot: "/home/me/shop" });
 */
export async function compileProject(options: CompileOptions): Promise<CompiledProject> {
  const { root: folder, settingsFile } = findProject(options.projectRoot);
  const root = realpathSync(folder);
  const corePath = findCore(root);
  const { overrides = {}, dialect = "postgres" } = options;
  const definitions = await list(root, ["definitions/**/*.*", "includes/**/*.*"]);
  const testFiles = await list(root, ["tests/models/**/*.sqlx"]);
  const listed = [...definitions, ...testFiles, settingsFile, "package.json"].map((path) => join(root, path));
  const cache = compileCache(root, { overrides, dialect, corePath });
  const known = cache.read(listed);
  if (known) return known;

  const thread = startThread<CompileTask, CompileAnswer>("project/compile-worker.js", corePath, {
    what: "Compilation",
    timeoutMs: options.timeoutMs ?? 60_000,
    ...(options.signal ? { signal: options.signal } : {}),
    ...(options.onOutput ? { onOutput: options.onOutput } : {}),
    onPart: (part) => graphParts.add(part as GraphPart),
  });
  const startedAt = Date.now();
  const stamps = takeStamps([...listed, corePath]);
  const protos = coreProtos(corePath);
  const graphParts = receiveParts(protos);
  const compileConfig = {
    projectDir: root,
    filePaths: definitions.map((path) => path.replaceAll("/", sep)),
    projectConfigOverride: overrides,
  };
  const request = protos.encode("CoreExecutionRequest", { compile: { compileConfig } });
  const sqlxCache = cachePath(root, "sqlx", takeStamps([corePath]));
  const answer = await thread.run({ projectRoot: root, corePath, dialect, testFiles, request, sqlxCache });
  const graph = answer.response ? plainGraph(graphParts.complete(readRest(protos, answer.response))) : {};
  const settings = readFileSync(join(root, settingsFile), "utf8");
  const project: CompiledProject = {
    root,
    graph,
    inlineAssertions: inlineAssertions(graph, answer),
    unitTests: answer.unitTests,
    files: { ...Object.fromEntries(answer.files), [settingsFile]: settings },
    evaluations: Object.fromEntries(answer.evaluations),
    definedAt: Object.fromEntries(answer.definedAt),
  };
  const failure = compileErrors(project, answer.errors, protos);
  if (failure) throw failure;
  if (answer.reads) {
    const others = takeStamps(answer.reads.filter((path) => !(path in stamps)));
    // Those were stamped after they were loaded: one that changed since then must not count as read.
    const isOld = Object.values(others).every((each) => each !== null && each[1] < startedAt);
    if (isOld) await cache.write(listed, { ...others, ...stamps }, project);
  }
  return project;
}

/** Paths relative to the root, in the order in which core takes them. */
async function list(root: string, patterns: string[]): Promise<string[]> {
  return (await glob(patterns, { cwd: root, followSymbolicLinks: false })).sort();
}

function inlineAssertions(graph: CompiledGraph, answer: CompileAnswer): InlineAssertion[] {
  return (graph.assertions ?? []).flatMap((assertion) => {
    const structure = answer.assertions.get(assertion.query ?? "");
    if (structure === undefined || assertion.parentAction === undefined) return [];
    return [{ target: assertion.target, parent: assertion.parentAction, ...structure }];
  });
}

function readRest(protos: CoreProtos, response: Uint8Array): CompiledGraph {
  const decoded = protos.decode("CoreExecutionResponse", response) as {
    compile?: { compiledGraph?: CompiledGraph };
  };
  return decoded.compile?.compiledGraph ?? {};
}

/** The graph as Aquifer reads it: `extraProperties` as plain JSON. */
function plainGraph(graph: CompiledGraph): CompiledGraph {
  for (const action of [...(graph.tables ?? []), ...(graph.assertions ?? [])] as Mutable<CompiledAction>[]) {
    const extraProperties = action.actionDescriptor?.metadata?.extraProperties;
    if (action.actionDescriptor === undefined || extraProperties === undefined) continue;
    const metadata = {
      ...action.actionDescriptor.metadata,
      extraProperties: plainFromStruct(extraProperties),
    };
    action.actionDescriptor = { ...action.actionDescriptor, metadata };
  }
  return graph;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
