import { expect, test } from "vitest";
import { defineSource } from "../../src/project/source.js";
import { ingestProject } from "./support.js";
import { numberCell, oldWorkbook, textRow, workbookFile } from "./workbook-file.js";

const orders = defineSource({
  name: "shop/orders",
  files: ["orders*.csv", "orders*.xls", "orders*.xlsx"],
  columns: { id: {}, note: {} },
});

test("one source takes the same data as CSV, .xlsx and .xls", async () => {
  const project = await ingestProject([orders], {
    "raw/shop/orders_1.csv": "id,note\n1,a\n",
    "raw/shop/orders_2.xlsx": workbookFile([
      { rows: [textRow(1, "id", "note"), [numberCell("A2", 2), ...textRow(2, "", "b").slice(1)]] },
    ]),
    "raw/shop/orders_3.xls": oldWorkbook([
      ["id", "note"],
      [3, "c"],
    ]),
  });
  const { files } = await project.ingest();
  expect(files.map(({ method }) => method)).toEqual(["bytes", "spreadsheet", "spreadsheet"]);
  expect(await project.rows("select _file_name, _row, id, note from bronze.shop_orders order by 1")).toEqual([
    ["shop/orders_1.csv", "1", "1", "a"],
    ["shop/orders_2.xlsx", "1", "2", "b"],
    ["shop/orders_3.xls", "1", "3", "c"],
  ]);
});

const outages = defineSource({
  name: "shop/outages",
  files: "outages*.xlsx",
  sheet: /^\d{4}$/,
  columns: { id: { unique: true }, cause: { optional: true }, at: { header: "Started at", type: "date" } },
  period: { grain: "year", fromName: /outages_(?<year>\d{4})/ },
  reload: "replace_period",
  footer: /^total/i,
  maxRejected: 1,
});

test("sheets of one workbook are one file, each below its own titles, and its rows say which", async () => {
  const sheets = [
    {
      name: "2024",
      rows: [
        textRow(1, "Outages of 2024"),
        textRow(2, "id", "cause", "Started at"),
        textRow(3, "1", "storm", "2024-05-01"),
        textRow(4, "Total", "1"),
      ],
    },
    { name: "Notes", rows: [textRow(1, "made by hand")] },
    {
      name: "2025",
      rows: [
        textRow(1, "Outages of 2025"),
        [],
        textRow(3, "Printed"),
        textRow(4, "Started at", "id", "Crew"),
        textRow(5, "2025-01-01", "2", "x"),
        [],
        textRow(7, "first of May", "3", "y"),
        textRow(8, "Total: 2"),
        textRow(9, "total of all", "3"),
      ],
    },
  ];
  const project = await ingestProject([outages], { "raw/shop/outages_2025.xlsx": workbookFile(sheets) });
  const { files } = await project.ingest();
  expect(files).toMatchObject([{ rows: 2, rejected: 1, columnsAdded: ["crew"], columnsMissing: [] }]);
  expect(files[0]?.classification).toBe(
    'name matches outages*.xlsx; sheet "2024", header on line 2: all 3 columns; sheet "2025", header on line 4: 2 declared columns, 1 others; left out: "Notes" (not asked for)',
  );
  expect(
    await project.rows("select _row, id, cause, at, _sheet, crew from bronze.shop_outages order by 1"),
  ).toEqual([
    ["1", "1", "storm", "2024-05-01", "2024", null],
    ["2", "2", null, "2025-01-01", "2025", "x"],
  ]);
  expect(await project.rows("select row_number, line, column_name, raw from aquifer.ingest_reject")).toEqual([
    ["3", "7", "at", "3,,first of May,y,2025"],
  ]);
  expect(await project.rows("select dialect, rows_read, method from aquifer.ingest_file")).toEqual([
    [
      {
        sheets: [
          { name: "2024", headerLine: 2 },
          { name: "2025", headerLine: 4 },
        ],
      },
      "3",
      "spreadsheet",
    ],
  ]);
});
