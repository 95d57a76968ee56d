import { inject } from "vitest";
import { checkProject, type CheckOptions, type CheckResult } from "../../src/check/check-project.js";
import type { KnownRelation } from "../../src/check/empty-build.js";
import type { Finding } from "../../src/check/finding.js";
import type { CheckedReport } from "../../src/check/check-report.js";
import type { ServerAccess } from "../../src/warehouse/embedded-database.js";
import { formatLocation } from "../../src/base/source-location.js";
import { compiled } from "../support/project.js";

/** The tables that the projects of these tests read: `bronze.orders` and `bronze.customers`. */
export const known: readonly KnownRelation[] = [
  relation("orders", ["id integer", "customer_id integer", "amount numeric", "ordered_at date", "note text"]),
  relation("customers", ["id integer", "name text", "city text"]),
];

function relation(name: string, columns: readonly string[]): KnownRelation {
  return {
    name: { schema: "bronze", name },
    kind: "source",
    columns: columns.map((column) => {
      const [first = "", type = ""] = column.split(" ");
      return { name: first, type };
    }),
  };
}

/** The server that all tests share. */
export function sharedServer(): ServerAccess {
  const url = new URL(inject("serverUrl"));
  return {
    host: url.hostname,
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}

const sources = {
  "bronze/orders.sqlx": 'config { type: "declaration", schema: "bronze", name: "orders" }',
  "bronze/customers.sqlx": 'config { type: "declaration", schema: "bronze", name: "customers" }',
};

/** Checks a project given as texts by path below `definitions/`; `bronze.orders` and `bronze.customers` are declared. */
export async function checked(
  files: Readonly<Record<string, string>>,
  reports: readonly CheckedReport[] = [],
  more: Partial<CheckOptions> = {},
): Promise<CheckResult> {
  const placed = Object.entries({ ...sources, ...files }).map(([path, text]) => [
    path.startsWith("tests/") ? path : `definitions/${path}`,
    text,
  ]);
  const { project } = await compiled(Object.fromEntries(placed) as Record<string, string>);
  return checkProject({
    project,
    server: sharedServer(),
    known,
    reports,
    relationOf: ({ schema, name }) => ({ schema, name }),
    historySchema: "aquifer",
    ...more,
  });
}

/** `definitions/a.sqlx:2:8 message`. */
export function brief(finding: Finding): string {
  const place =
    finding.location === undefined ? "" : formatLocation(finding.location).replace("definitions/", "");
  return `${place} ${finding.severity === "error" ? "" : `${finding.severity}: `}${finding.message}`;
}
