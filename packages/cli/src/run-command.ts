import { isComputeError } from "@kiln-gpu/core";
import { type CodegenOptions, codegen } from "./codegen.js";
import { type CodegenCommand, parseCommand } from "./options.js";
import { Reporter } from "./reporter.js";
import { UsageError } from "./usage-error.js";

/** The folder in which a command's relative paths start, and the streams that it writes to. */
export interface Surroundings {
  readonly folder: string;
  readonly output: NodeJS.WritableStream;
  readonly errors: NodeJS.WritableStream;
}

/** @returns The exit code: 0 for success, 1 for an error in a shader or a module, 2 for one in the command line. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { output, errors } = surroundings;
  try {
    const command = parseCommand(args);
    if (!("text" in command)) return (await runCodegen(command, surroundings)) ? 0 : 1;
    output.write(`${command.text}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !isComputeError(error)) throw error;
    errors.write(`${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function runCodegen(command: CodegenCommand, { folder, output, errors }: Surroundings): Promise<boolean> {
  const { paths, check, validate, watch } = command;
  const reporter = new Reporter(folder, output, errors);
  const run = async (options: CodegenOptions): Promise<boolean> => {
    if (!watch) return codegen(options, reporter);
    const { watchShaders } = await import("./watch-shaders.js");
    await watchShaders(options, reporter);
    return true;
  };
  const options: CodegenOptions = { paths, folder, isCheck: check };
  if (!validate) return run(options);
  const { openValidator } = await import("./validator.js");
  await using validator = await openValidator(folder);
  reporter.say(`Validating on ${validator.deviceName}.`);
  return await run({ ...options, validate: (entryPoints) => validator.validate(entryPoints) });
}
