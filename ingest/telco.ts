import { defineSource } from "aquifer";

/** One scrape of one operator in one city; the name says where, for whom and of which day. */
export const catalogue = defineSource({
  name: "telco/catalogue",
  description: "Scraped product catalogues, as text, as they came.",
  files: /^(?!.*(?:correction|koreksi))[^_]+_[^_]+_.+\.csv$/i,
  nameColumns: [/^(?<operator>[^_]+)_(?<city>[^_]+)_/, /_(?<length_of_stay>less3|more3)(?=[_.])/i],
  period: { grain: "day", fromName: /(?<year>20\d\d)(?<month>\d\d)(?<day>\d\d)/ },
  columns: {
    package_name: {},
    commercial_name: { optional: true },
    main_detail: { optional: true },
    package_description: { optional: true },
    benefit_detail: { optional: true },
    benefit_app: { optional: true },
    price: {},
    validity: {},
  },
  maxRejected: "1%",
});

/** An analyst's edits of cells of silver; the latest one of a cell holds, and one that withdraws takes it back. */
export const correction = defineSource({
  name: "telco/correction",
  description: "Corrections of cells of the product list by analysts; every version of every file stays.",
  files: /correction|koreksi/i,
  key: ["product_id", "column_name", "changed_at"],
  columns: {
    product_id: {},
    column_name: { header: ["column", "kolom"], pattern: "^\\s*[a-z][a-z0-9_]*\\s*$" },
    old_value: { optional: true },
    new_value: {},
    changed_by: { required: true },
    changed_at: { type: "timestamp" },
    action: { optional: true, domain: ["set", "withdraw"] },
    reason: { optional: true },
  },
});
