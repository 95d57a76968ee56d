import { checkProject } from "../check/check-project.js";
import { describeFinding, type Finding } from "../check/finding.js";
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
  const { findings, actions } = await checkProject({ ...inputs, server });
  const isError = ({ severity }: Finding): boolean => severity === "error";
  const errors = findings.filter(isError).length;
  const { stderr } = context.effects;
  for (const finding of findings) stderr.write(`${describeFinding(finding)}\n`);
  stderr.write(`Checked ${actions} actions on an empty database: ${errors} errors.\n`);
  return errors === 0;
}
