import type { LocaleName, Section, ValueFormat } from "../project/report.js";
import type { Freshness } from "./freshness.js";
import type { LoadedReport } from "./load-reports.js";

/** `build/reports/api/<report>.json`: a report's figures for programs, and what the index says of it. */
export interface Feed {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly locale: LocaleName;
  readonly page: string;
  readonly dataAt: string;
  readonly runId: string | null;
  /** Of what the report read, see `dataVersion`. */
  readonly dataVersion: string;
  readonly kpis: readonly FeedKpi[];
}

export interface FeedKpi {
  readonly section: string;
  readonly label: string;
  readonly value: number | null;
  readonly format: ValueFormat;
  readonly unit?: string;
  readonly definition: string;
}

/** The feed of a report, without filters. */
export function feedOf(
  { name, report }: LoadedReport,
  body: readonly Section[],
  freshness: Freshness,
  version: string,
): Feed {
  return {
    name,
    title: report.title,
    description: report.description,
    locale: report.locale,
    page: `${name}.html`,
    dataAt: freshness.dataAt.toISOString(),
    runId: freshness.runId,
    dataVersion: version,
    kpis: body.flatMap((section) =>
      section.items.flatMap((item) =>
        item.kind === "kpi"
          ? [
              {
                section: section.title,
                label: item.label,
                value: item.value,
                format: item.format,
                ...(item.unit === undefined ? {} : { unit: item.unit }),
                definition: item.definition,
              },
            ]
          : [],
      ),
    ),
  };
}
