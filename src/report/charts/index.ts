/** The charts that a report draws with: `import { bars } from "aquifer/charts"`. */
export { bars, type BarsOptions } from "./bars.js";
export { columns, type ColumnsOptions } from "./columns.js";
export { shareBars, type ShareBarsOptions } from "./share-bars.js";
export { tip } from "./tip.js";
