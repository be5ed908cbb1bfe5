import { type CodegenOptions, codegen } from "./codegen.js";
import { type Command, parseOptions } from "./command.js";
import { Reporter } from "./reporter.js";
import { UsageError } from "./usage-error.js";

const help = `Usage: kiln codegen [paths...] [options]

Writes a TypeScript module beside each .wgsl and .spv file: scale.wgsl.ts beside scale.wgsl. The module exports a kernel
for each compute entry point, and the types of its bindings. Modules whose shader no longer exists are removed.

Paths are folders and shaders (default: the current folder). Folders named node_modules, hidden folders, and symbolic
links inside folders are skipped.

Options:
  --check             writes nothing; fails if a module is missing, out of date or left over
  --validate          also compiles each shader, on a GPU or on the project's @kiln-gpu/software-gpu
  --watch             keeps running and updates modules when shaders change
  -h, --help          prints this help

Exits with 1 if a shader or a module has an error, and with 2 if the command line has one.`;

export const command: Command = {
  help,
  async run(args, { folder, output, errors }) {
    const given = parseOptions(args, { check: "flag", validate: "flag", watch: "flag" });
    const isCheck = given.flag("check");
    const isWatch = given.flag("watch");
    if (isCheck && isWatch) throw new UsageError("--check and --watch exclude each other; got both.");
    const reporter = new Reporter(folder, output, errors);
    const work = async (options: CodegenOptions): Promise<boolean> => {
      if (!isWatch) return codegen(options, reporter);
      const { watchShaders } = await import("./watch-shaders.js");
      await watchShaders(options, reporter);
      return true;
    };
    const options: CodegenOptions = { paths: given.paths.length > 0 ? given.paths : ["."], folder, isCheck };
    if (!given.flag("validate")) return (await work(options)) ? 0 : 1;
    const { openValidator } = await import("./validator.js");
    await using validator = await openValidator(folder);
    reporter.say(`Validating on ${validator.deviceName}.`);
    const isRight = await work({ ...options, validate: (entryPoints) => validator.validate(entryPoints) });
    return isRight ? 0 : 1;
  },
};
