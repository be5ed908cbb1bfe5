import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UsageError } from "./usage-error.js";

/** What to do: run codegen, or only print `text`. */
export type Command = { readonly text: string } | CodegenCommand;

export interface CodegenCommand {
  readonly paths: readonly string[];
  readonly check: boolean;
  readonly validate: boolean;
  readonly watch: boolean;
}

const help = `Usage: kiln <command> [options]

Commands:
  codegen [paths...]  writes a typed module beside each shader

Options:
  -h, --help          prints this help, or that of a command
  -v, --version       prints the version`;

const codegenHelp = `Usage: kiln codegen [paths...] [options]

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

/** @throws {UsageError} with what is expected and what was given. */
export function parseCommand(args: readonly string[]): Command {
  const [name] = args;
  if (name === undefined) throw new UsageError(`A command is missing.\n\n${help}`);
  if (name.startsWith("-")) {
    const { values } = parse(args, { help: { type: "boolean", short: "h" }, version: { type: "boolean", short: "v" } });
    return { text: values.version ? version() : help };
  }
  if (name !== "codegen") throw new UsageError(`The command must be "codegen"; got "${name}".`);
  const { values, positionals } = parse(args.slice(1), {
    check: { type: "boolean" },
    help: { type: "boolean", short: "h" },
    validate: { type: "boolean" },
    watch: { type: "boolean" },
  });
  if (values.help) return { text: codegenHelp };
  const { check = false, validate = false, watch = false } = values;
  if (check && watch) throw new UsageError("--check and --watch exclude each other; got both.");
  return { paths: positionals.length > 0 ? positionals : ["."], check, validate, watch };
}

function parse<
  const Options extends { readonly [name: string]: { readonly type: "boolean"; readonly short?: string } },
>(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

function version(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return manifest.version;
}
