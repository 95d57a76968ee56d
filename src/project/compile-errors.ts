import { AquiferError, AquiferErrors } from "../base/errors.js";
import type { CompiledProject } from "./compiled-project.js";
import type { CoreError } from "./compile-worker.js";
import type { CoreProtos } from "./core-protos.js";

/** All that is wrong with a compiled project, as one error to throw; undefined when nothing is. */
export function compileErrors(
  _project: CompiledProject,
  reported: readonly CoreError[],
  protos: CoreProtos,
): AquiferError | undefined {
  void protos;
  const errors = reported.map(
    (error) =>
      new AquiferError(error.message, {
        code: "compile",
        ...(error.file === undefined ? {} : { location: { file: error.file } }),
      }),
  );
  if (errors.length <= 1) return errors[0];
  return new AquiferErrors(`The project has ${errors.length} compilation errors`, errors, {
    code: "compile",
  });
}
