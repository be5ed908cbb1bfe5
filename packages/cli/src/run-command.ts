import { readFileSync } from "node:fs";
import { isComputeError } from "@kiln-gpu/core";
import { parseOptions, type Surroundings } from "./command.js";
import { commands, commandsHelp } from "./commands.js";
import { UsageError } from "./usage-error.js";

/** @returns The exit code: 0 for success, 1 if the work fails, 2 for an error in the command line. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { output, errors } = surroundings;
  try {
    const [name, ...rest] = args.map((arg) => (arg === "-h" ? "--help" : arg === "-v" ? "--version" : arg));
    if (name === undefined) throw new UsageError(`A command is missing.\n\n${commandsHelp()}`);
    if (name.startsWith("-")) {
      const given = parseOptions([name, ...rest], { help: "flag", version: "flag" });
      output.write(`${given.flag("version") ? version() : commandsHelp()}\n`);
      return 0;
    }
    const entry = commands.get(name);
    if (!entry) throw new UsageError(`The command must be one of ${[...commands.keys()].join(", ")}; got "${name}".`);
    const command = await entry.load();
    if (!rest.includes("--help")) return await command.run(rest, surroundings);
    output.write(`${command.help}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !isComputeError(error)) throw error;
    errors.write(`${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

function version(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return manifest.version;
}
