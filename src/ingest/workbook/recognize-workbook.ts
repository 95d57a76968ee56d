import { rowSheetColumn } from "../../project/sources.js";
