/** The charts that a report draws with: `import { bars } from "aquifer/charts"`. */
export { bars, type BarsOptions } from "./bars.js";
export { columns, type ColumnsOptions } from "./columns.js";
export { heatmap, type HeatmapOptions } from "./heatmap.js";
export { lines, type LinesOptions } from "./lines.js";
export { shareBars, type ShareBarsOptions } from "./share-bars.js";
export { stackedColumns, type StackedColumnsOptions } from "./stacked-columns.js";
export { tip } from "./tip.js";
