import { checkProject } from "../check/check-project.js";
import { summary } from "./check.js";
import { withCheckInputs } from "./check-inputs.js";
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
  const { clock, stderr } = context.effects;
  const started = clock.elapsed();
  const result = await withCheckInputs(context, root, values, (inputs) => checkProject(inputs));
  stderr.write(summary(result, clock.elapsed() - started));
  return result.findings.every(({ severity }) => severity !== "error");
}
