import { InvalidArgumentError, type Command } from "commander";
import { parseDuration } from "../base/duration.js";
import type { Selection } from "../project/select.js";
import { collectList } from "./command.js";

/** What commander hands over for the options added by `addSelectionOptions`. */
export interface SelectionValues {
  readonly actions?: readonly string[];
  readonly tags?: readonly string[];
  readonly includeDeps?: true;
  readonly includeDependents?: true;
  readonly exclude?: readonly string[];
}

/** The options that choose actions. */
export function addSelectionOptions(command: Command): Command {
  return command
    .option(
      "--actions <patterns>",
      "only these (name, schema.name, path, gold.*, tag:x, +x, x+, 2+x)",
      collectList,
    )
    .option("--tags <tags>", "only actions with one of these tags", collectList)
    .option("--include-deps", "also what the chosen actions depend on")
    .option("--include-dependents", "also what depends on the chosen actions")
    .option("--exclude <patterns>", "leave these out", collectList);
}

/** The selection that parsed options describe. */
export function selectionOf(values: SelectionValues): Selection {
  return {
    ...(values.actions === undefined ? {} : { actions: values.actions }),
    ...(values.tags === undefined ? {} : { tags: values.tags }),
    ...(values.exclude === undefined ? {} : { exclude: values.exclude }),
    includeDeps: values.includeDeps === true,
    includeDependents: values.includeDependents === true,
  };
}

/** For commander's `argParser`: a whole number of at least `minimum`. */
export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isInteger(value) && value >= minimum) return value;
    throw new InvalidArgumentError(
      `Expected a whole number of at least ${minimum}, found ${JSON.stringify(text)}.`,
    );
  };
}

/** For commander's `argParser`: milliseconds of a duration such as `30s`. */
export function durationOption(text: string): number {
  return parseDuration(text);
}
