import { excerpt, type SourceLocation } from "../base/source-location.js";
import { actionKey } from "../project/action-graph.js";
import type { Action } from "../project/action.js";
import type { CompiledAction } from "../project/compiled-graph.js";
import type { CompiledProject } from "../project/compiled-project.js";
import { findNamed } from "../project/find-text.js";
import { locate } from "../project/sql-position.js";
import { nearestName } from "../base/nearest-name.js";
import type { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Finding } from "./finding.js";

/** The project under check, and what has been found so far. */
export class CheckContext {
  readonly findings: Finding[] = [];
  /** Actions that are broken, or could not be checked, each with the reason. */
  readonly broken = new Map<string, string>();
  /** What the statements of each action name, with schema; see `namedKeys`. */
  readonly named = new Map<string, readonly string[]>();
  /** Extensions of the warehouse that the scratch database could not get. */
  readonly lacking: string[] = [];
  private readonly compiled: ReadonlyMap<string, CompiledAction>;

  constructor(
    readonly project: CompiledProject,
    readonly actions: ReadonlyMap<string, Action>,
    /** False for an operation whose statements run each on its own. */
    readonly inTransaction: (action: Action) => boolean = () => true,
  ) {
    const { tables = [], operations = [], assertions = [], declarations = [] } = project.graph;
    const all = [...tables, ...operations, ...assertions, ...declarations];
    this.compiled = new Map(all.map((each) => [actionKey(each.target), each]));
  }

  /** Adds a finding at a position of a statement (in code points from 1), or at the action's file. */
  add(
    action: Action,
    finding: Pick<Finding, "severity" | "code" | "message"> & Partial<Finding>,
    at?: { readonly statement: string; readonly position: number },
  ): void {
    const compiled = this.compiled.get(action.key);
    const { file } = action;
    const location = finding.location ??
      (compiled && at && locate(this.project, compiled, at.statement, at.position)) ??
      this.placeOf(action, finding) ?? { file };
    const text = this.project.files[location.file];
    this.findings.push({
      subject: action.key,
      details: [],
      ...(text === undefined || location.line === undefined
        ? {}
        : { excerpt: excerpt(text, location.line, location.column) }),
      ...finding,
      location,
    });
  }

  /** Where something is likely meant that has no position: a name that the model's file has once, or what made the action. */
  private placeOf(
    { key, file }: Action,
    { code, message }: { readonly code: string; readonly message: string },
  ): SourceLocation | undefined {
    if (!file.endsWith(".sqlx")) return this.project.definedAt[key];
    // Of the server's errors only those about names: others quote values and what stands near a fault.
    const isAboutNames = !code.startsWith("sql-") || (code.startsWith("sql-42") && code !== "sql-42601");
    return isAboutNames ? findNamed(this.project.files[file], file, message) : undefined;
  }

  /** Adds an error that breaks the action. */
  fail(action: Action, finding: Parameters<CheckContext["add"]>[1]): void {
    this.broken.set(action.key, "is broken");
    this.add(action, finding);
  }

  /** True for what can be tried: it is not broken, nor is anything that it reads, and its SQL is known before it runs. */
  isJudged(action: Action): boolean {
    if (action.disabled || action.kind === "declaration" || this.broken.has(action.key)) return false;
    if (action.jitCode !== undefined) {
      this.broken.set(action.key, "is made at run time");
      return false;
    }
    const reason = this.reasonBelow(action);
    if (reason === undefined) return true;
    this.broken.set(action.key, reason);
    return false;
  }

  /** Of several reasons below an action the first one counts, in whatever order they were found. */
  settleReasons(actions: readonly Action[]): void {
    for (const action of actions) {
      const reason = this.reasonBelow(action);
      if (reason !== undefined && this.broken.get(action.key)?.startsWith("reads ") === true)
        this.broken.set(action.key, reason);
    }
  }

  private reasonBelow({ dependencies }: Action): string | undefined {
    const below = dependencies.find((key) => this.broken.has(key));
    return below === undefined ? undefined : `reads ${below}, which ${this.broken.get(below) ?? ""}`;
  }

  /** What the server refused, as a finding of the action; the action counts as broken from now on. */
  refuse(action: Action, error: WarehouseError): void {
    const { server } = error;
    const reason = unjudgeable(error, this.lacking);
    this.broken.set(action.key, reason ?? "is broken");
    const position = server.position;
    this.add(
      action,
      {
        severity: reason === undefined ? "error" : "unchecked",
        code: error.code,
        message: server.message,
        details: server.detail === undefined ? [] : [`detail: ${server.detail}`],
        ...this.hint(action, error),
      },
      position === undefined || error.statement === undefined
        ? undefined
        : { statement: error.statement, position },
    );
  }

  private hint(action: Action, error: WarehouseError): { hint?: string } {
    if (error.server.hint !== undefined) return { hint: error.server.hint };
    const missing = /^relation "(.+)" does not exist$/.exec(error.server.message)?.[1];
    if (missing === undefined) return {};
    const known = [...this.actions.keys()];
    const near =
      known.find((key) => key === missing || key.endsWith(`.${missing}`)) ?? nearestName(missing, known);
    if (near === undefined) return {};
    return {
      hint: action.dependencies.includes(near)
        ? `Did you mean ${near}?`
        : `Did you mean ${near}? Write \${ref("${near.replace(/^.*\./, "")}")}, so that it is built first.`,
    };
  }
}

/** True for an error that says nothing about the project: the scratch database is not the warehouse. */
export function isUnjudgeable(error: WarehouseError, lacking: readonly string[]): boolean {
  return unjudgeable(error, lacking) !== undefined;
}

/** @param lacking extensions that the warehouse has and the scratch database has not */
function unjudgeable(error: WarehouseError, lacking: readonly string[]): string | undefined {
  const { sqlState = "", message } = error.server;
  // What an extension brings: functions, operators, types.
  if (lacking.length > 0 && ["42883", "42704", "42725"].includes(sqlState)) {
    return `may need ${lacking.join(", ")}, which the embedded server lacks`;
  }
  if (["42704", "22023"].includes(sqlState) && /^role ".*" does not exist$/.test(message)) {
    return "names a role, which belongs to a server";
  }
  if (sqlState === "42501") return "reaches beyond its database";
  if (sqlState === "57014") return "takes too long to try";
  if (sqlState === "25001") return "cannot run inside a transaction";
  if (sqlState === "58P01" || (sqlState === "0A000" && message.includes("extension"))) {
    return "needs an extension that the embedded server lacks";
  }
  return undefined;
}
