import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { requireKnown, usageError, type Parameters } from "./parameters.js";

/**
 * The parameters of a named service (https://www.postgresql.org/docs/current/libpq-pgservice.html), from `PGSERVICEFILE`
 * or `~/.pg_service.conf`, else from `pg_service.conf` in `PGSYSCONFDIR`.
 */
export async function readService(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Parameters> {
  const files = [
    env["PGSERVICEFILE"] ?? join(env["HOME"] ?? homedir(), ".pg_service.conf"),
    ...(env["PGSYSCONFDIR"] === undefined ? [] : [join(env["PGSYSCONFDIR"], "pg_service.conf")]),
  ];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    const found = text === undefined ? undefined : serviceIn(text, name);
    if (found) return requireKnown(found, `service ${name} in ${file}`);
  }
  throw usageError("unknown-service", `There is no service "${name}"`, {
    hint: `Looked in ${files.join(" and ")} for a section [${name}].`,
  });
}

function serviceIn(text: string, name: string): Parameters | undefined {
  let found: Record<string, string> | undefined;
  for (const line of text.split(/\r?\n/).map((each) => each.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      if (found) return found;
      if (line === `[${name}]`) found = {};
    } else if (found) {
      const equals = line.indexOf("=");
      if (equals > 0) found[line.slice(0, equals).trim()] = line.slice(equals + 1).trim();
    }
  }
  return found;
}
