import { checkProject } from "../check/check-project.js";
import { summary } from "./check.js";
import { prepareCheck } from "./check-inputs.js";
import { startCheckServer } from "./check-server.js";
import type { CommandContext } from "./command.js";
import type { ProjectOptionValues } from "./project-options.js";

/**
 * Lets PostgreSQL judge a project on an empty database before a command touches anything, as `dataform check` does, and says
 * to `stderr` what it finds.
 *
 * @returns whether there is no error
 */
export async function judgeProject(
  context: CommandContext,
  root: string,
  values: ProjectOptionValues,
): Promise<boolean> {
  const inputs = await prepareCheck(context, root, values);
  const server = await startCheckServer(context, root, inputs.serverVersion);
  const { clock, stderr } = context.effects;
  const started = clock.elapsed();
  const result = await checkProject({ ...inputs, server });
  stderr.write(summary(result, clock.elapsed() - started));
  return result.findings.every(({ severity }) => severity !== "error");
}
