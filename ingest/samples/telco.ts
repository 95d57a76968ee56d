import { defineSample, type SampleFile, type SampleRequest } from "aquifer";
import { Calendar, isoDay } from "./parts/calendar.js";
import { csvLine, sloppyLine } from "./parts/csv-line.js";
import { correctionColumns, Corrections } from "./telco/corrections.js";
import { Products, type ScrapedRow } from "./telco/products.js";
import { Scrapes, type Scrape } from "./telco/scrapes.js";

export const telcoCalendar = new Calendar(2026, 1);

/** The uploads of each day, and at the end of each month what the analysts corrected. */
export const telco = defineSample({
  name: "telco",
  description: "Scraped product catalogues of five operators, day by day, and corrections of them.",
  defaults: { customers: 1120, months: 1 },
  *files({ customers: products, months, seed, broken }: SampleRequest): Generator<SampleFile> {
    const scrapes = new Scrapes(products);
    const offered = new Products(seed, products);
    const corrections = new Corrections(seed, telcoCalendar, scrapes, offered);
    for (let month = 0; month < months; month++) {
      for (const [index, day] of telcoCalendar.days(month).entries()) {
        for (let file = 0; file < scrapes.count; file++) {
          const scrape = scrapes.at(file, day);
          yield { path: scrape.fileName, content: scrapeLines(scrape, offered) };
          // Somebody sends a copy of a file, under a browser's name for it.
          if (index === 0 && file === 0)
            yield { path: copyName(scrape.fileName), content: scrapeLines(scrape, offered) };
        }
      }
      yield {
        path: `telco_correction_${isoDay(telcoCalendar.start(month)).slice(0, 7)}.csv`,
        content: correctionLines(corrections, month),
      };
    }
    if (broken === true) yield* brokenFiles();
  },
});

export function copyName(fileName: string): string {
  return fileName.replace(/\.csv$/, "_copy.csv");
}

function* scrapeLines(scrape: Scrape, products: Products): Generator<string> {
  const end = (line: string): string => (scrape.hasCrlf ? `${line.slice(0, -1)}\r\n` : line);
  yield (scrape.hasMark ? "\uFEFF" : "") + end(csvLine(scrape.columns, ","));
  for (const row of products.rows(scrape)) yield end(scrapeLine(scrape, row));
}

function scrapeLine({ columns }: Scrape, { values, flaw }: ScrapedRow): string {
  const cells = columns.map((name) => values[name] ?? null);
  if (flaw === "ragged") return csvLine([...cells, "lihat detail"], ",");
  if (flaw === "strayQuote") return sloppyLine(cells, ",");
  return csvLine(cells, ",");
}

/** Every other month comes from a spreadsheet program that writes semicolons and Indonesian headers. */
function* correctionLines(corrections: Corrections, month: number): Generator<string> {
  const isLocal = month % 2 === 1;
  const delimiter = isLocal ? ";" : ",";
  yield csvLine(
    isLocal ? correctionColumns.map((name) => (name === "column_name" ? "kolom" : name)) : correctionColumns,
    delimiter,
  );
  for (const row of corrections.rows(month)) yield csvLine(row, delimiter);
}

function* brokenFiles(): Generator<SampleFile> {
  yield {
    path: "Indosat_Lombok_less3_jaksel1_20251301.csv",
    content: ["package_name,price,validity\nX,1,2\n"],
  };
  yield { path: "Indosat_Lombok_less3_jaksel1_20251231.csv", content: [] };
  const edit = "p1,price,1,2,ana,2025-12-31 10:00:00\n";
  yield {
    path: "telco_correction_2025-12.csv",
    content: ["product_id,column_name,old_value,new_value,changed_by,changed_at\n", edit, edit],
  };
}
