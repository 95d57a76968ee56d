import { defineSource } from "aquifer";

/** All customers at the end of a month. Each month's snapshot stays, so that history can be told from them. */
export const customer = defineSource({
  name: "utility/customer",
  description: "Monthly snapshots of all customers.",
  files: "customers/customers_*.csv",
  columns: {
    customer_id: { description: "C and eight digits." },
    customer_name: {},
    address: {},
    city: {},
    state: {},
    zip_code: { header: "postal_code", description: "Named postal_code in later files." },
    customer_type: { description: "residential, commercial or industrial." },
    account_status: { description: "active, suspended or closed." },
    updated_at: { description: "ISO 8601; some rows DD/MM/YYYY HH:MM." },
  },
  period: { grain: "month", fromName: "YYYY-MM" },
  reload: "replace_period",
});

/** The bills that were written in a month; some are for the month before. */
export const bill = defineSource({
  name: "utility/bill",
  description: "Bills, monthly.",
  files: "billing/billing_*.csv",
  delimiter: ";",
  columns: {
    bill_id: {},
    customer_id: {},
    billing_period: { description: "YYYY-MM." },
    issued_on: { description: "ISO date; some rows DD/MM/YYYY." },
    due_on: {},
    amount: { description: "With a decimal comma." },
    kwh: { description: "With a decimal comma." },
    rate_schedule: {},
  },
  period: { grain: "month", fromName: "YYYY-MM" },
  reload: "replace_period",
  maxRejected: "1%",
});

/** The readings that came on a day; a day that is sent again replaces the day. */
export const usage = defineSource({
  name: "utility/usage",
  description: "Daily meter readings.",
  files: "usage/**/usage_*.parquet",
  format: "parquet",
  columns: {
    meter_id: {},
    customer_id: {},
    read_at: { description: "UTC; may lie some days before the file's day." },
    usage_kwh: {},
    peak_demand_kw: {},
    rate_schedule: {},
    quality_code: { description: "A actual, E estimated, M manual, X in error." },
  },
  period: { grain: "day", fromName: "YYYY-MM-DD" },
  reload: "replace_period",
});

/** The tickets that were opened or touched in a month, each as it stood at its end. */
export const serviceRequest = defineSource({
  name: "utility/service_request",
  description: "Service requests, monthly.",
  files: "service_requests/tickets_*.ndjson",
  format: "ndjson",
  columns: {
    ticket_id: {},
    customer_id: {},
    opened_at: {},
    resolved_at: {},
    category: {},
    priority: {},
    status: {},
    satisfaction: { description: "1 to 5." },
    events: { description: "JSON array of { at, type, note }." },
  },
  period: { grain: "month", fromName: "YYYY-MM" },
  reload: "replace_period",
  maxRejected: "3%",
});

/** The regulator's workbook of all outages so far, a sheet a year; it is sent anew each month. */
export const outage = defineSource({
  name: "utility/outage",
  description: "Outages, as reported to the regulator.",
  files: "outages/outages*.xlsx",
  format: "spreadsheet",
  sheet: "*",
  columns: {
    outage_id: {},
    feeder: {},
    started_at: { description: "UTC." },
    restored_at: { description: "UTC." },
    customers_affected: {},
    cause: {},
    reported_on: {},
  },
  reload: "snapshot",
});

/** Payments as the billing system books them. One that is booked late is at most a week late. */
export const payment = defineSource({
  name: "utility/payment",
  description: "Payments, from the operational database.",
  database: {
    connection: "utility",
    relation: "billing.payment",
    cursor: { column: "processed_at", lag: "7d" },
  },
  columns: {
    payment_id: {},
    bill_id: {},
    customer_id: {},
    processed_at: {},
    method: {},
    amount: {},
    status: { description: "completed, failed, refunded or pending." },
  },
});
