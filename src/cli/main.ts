/** Runs one command line; sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.write(`${argv.join(" ")}\n`);
}
