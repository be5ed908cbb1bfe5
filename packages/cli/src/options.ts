import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UsageError } from "./usage-error.js";

/** What the command line asks for; a text is printed and nothing else is done. */
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
  -h, --help          prints this, or what a command does
  -v, --version       prints the version`;

const codegenHelp = `Usage: kiln codegen [paths...] [options]

Writes a TypeScript module beside each .wgsl and .spv file: scale.wgsl.ts beside scale.wgsl, with a kernel for its
compute entry point, or one for each, and the types of what it binds. Modules whose shader is gone are removed.

Paths are folders and shaders (default: the current folder). Inside of folders, node_modules, hidden folders and
symbolic links are passed over.

Options:
  --check             writes nothing, and fails where a module is missing, out of date or left over
  --validate          compiles each shader, too, on a GPU or on the project's @kiln-gpu/software-gpu
  --watch             goes on, and writes what changes, until it is interrupted
  -h, --help          prints this

Exits with 1 when something is wrong with a shader or a module, and with 2 when the command is.`;

/** @throws {UsageError} naming what was given and what is expected. */
export function parseCommand(args: readonly string[]): Command {
  const [name] = args;
  if (name === undefined) throw new UsageError(`A command is expected.\n\n${help}`);
  if (name.startsWith("-")) {
    const { values } = parse(args, { help: { type: "boolean", short: "h" }, version: { type: "boolean", short: "v" } });
    return { text: values.version ? version() : help };
  }
  if (name !== "codegen") throw new UsageError(`There is no command "${name}"; codegen is one.`);
  const { values, positionals } = parse(args.slice(1), {
    check: { type: "boolean" },
    help: { type: "boolean", short: "h" },
    validate: { type: "boolean" },
    watch: { type: "boolean" },
  });
  if (values.help) return { text: codegenHelp };
  const { check = false, validate = false, watch = false } = values;
  if (check && watch) throw new UsageError("--check writes nothing and --watch goes on writing; give one of them.");
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
