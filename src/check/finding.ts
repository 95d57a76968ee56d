import { formatLocation, type SourceLocation } from "../base/source-location.js";

/** Something that a check says about one place of the project. */
export interface Finding {
  /** `unchecked`: the check cannot judge it, which is no reproach. */
  readonly severity: "error" | "warning" | "unchecked";
  /** Stable, for scripts: `sql-42703`, `undeclared-ref`. */
  readonly code: string;
  readonly message: string;
  /** Key of the action, or `report <name>`. */
  readonly subject: string;
  readonly location?: SourceLocation;
  readonly excerpt?: string;
  readonly details: readonly string[];
  readonly hint?: string;
}

/** A finding as a person reads it: place, message, excerpt with caret, details, hint. */
export function describeFinding(finding: Finding): string {
  const place = finding.location ? formatLocation(finding.location) : finding.subject;
  const mark =
    finding.severity === "error" ? "" : finding.severity === "warning" ? "warning: " : "not checked: ";
  const below = [
    ...(finding.excerpt === undefined ? [] : [finding.excerpt]),
    ...finding.details,
    ...(finding.hint === undefined ? [] : [`hint: ${finding.hint}`]),
  ];
  return [`${place}: ${mark}${finding.message}`, ...below.map((text) => text.replace(/^/gm, "  "))].join(
    "\n",
  );
}
