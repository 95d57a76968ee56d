/** What a report imports from `aquifer`: the same on the server and in the page, so nothing of Node stands here. */
export {
  chart,
  defineReport,
  kpi,
  table,
  text,
  type BodyContext,
  type Chart,
  type ChartContext,
  type ChartSpec,
  type ChartTheme,
  type DataTable,
  type Draw,
  type Field,
  type Item,
  type Kpi,
  type Report,
  type ReportFilter,
  type ReportQuery,
  type ReportSpec,
  type Section,
  type TableSpec,
  type Text,
  type Value,
  type ValueFormat,
  type WarehouseQueries,
} from "../project/report.js";
export { ref, sql, type ReportRef, type SqlTemplate } from "../project/report-sql.js";
export { completePeriods, shiftPeriod, startOf, type Period } from "./periods.js";
export { compareValues, inOrder, largest, ratio, sumBy, total } from "./shape.js";
