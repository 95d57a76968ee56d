import { bank } from "../ingest/samples/bank.js";

const customers = 2_000_000;

/** Rows a second and peak memory of a generator, without the disk. */
export default async function bench(print: (line: string) => void): Promise<void> {
  const begin = performance.now();
  let [bytes, rows] = [0, 0];
  for (const file of bank.files({ customers, months: 2, seed: 1 })) {
    for (const piece of file.content) bytes += piece.length;
    rows += file.rows ?? 0;
  }
  const seconds = (performance.now() - begin) / 1000;
  print(
    `bank: ${rows} dump rows and 200,000 registrations, ${(bytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(1)} s`,
  );
  print(`  ${Math.round((rows + 200_000) / seconds).toLocaleString("en-US")} rows/s`);
  print(`  peak memory of this process: ${(process.resourceUsage().maxRSS / 1000).toFixed(0)} MB`);
}
