/**
 * From one of these on a file is large: then a table or a thread of its own, and another connection, cost less than they spare.
 * To start a thread costs as much as to look at some 10 MB.
 */
export const largeFile = { bytes: 32 * 1024 * 1024, rows: 500_000 };
