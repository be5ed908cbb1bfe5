import type { Command } from "./command.js";

interface CommandEntry {
  readonly summary: string;
  /** Each command loads only what it needs. */
  readonly load: () => Promise<Command>;
}

/** Every command, in the order of the help. */
export const commands: ReadonlyMap<string, CommandEntry> = new Map([
  [
    "init",
    {
      summary: "makes a project with a kernel, its types and a test",
      load: async () => (await import("./init-command.js")).command,
    },
  ],
  [
    "run",
    {
      summary: "runs a shader file on arrays, images and numbers, and shows what comes out",
      load: async () => (await import("./run/command.js")).command,
    },
  ],
  [
    "inspect",
    {
      summary: "lists what a shader file binds, with layouts and constants, and a run to paste",
      load: async () => (await import("./inspect-command.js")).command,
    },
  ],
  [
    "codegen",
    {
      summary: "writes a typed module beside each shader",
      load: async () => (await import("./codegen-command.js")).command,
    },
  ],
  [
    "check",
    {
      summary: "compiles shaders on a device, and finds data races in workgroup memory",
      load: async () => (await import("./check/command.js")).command,
    },
  ],
  [
    "doctor",
    {
      summary: "shows on what kernels run here, and what to do about what is missing",
      load: async () => (await import("./doctor/command.js")).command,
    },
  ],
  [
    "bench",
    {
      summary: "shows what a call costs on this machine, on both backends",
      load: async () => (await import("./bench-command.js")).command,
    },
  ],
  [
    "worker",
    {
      summary: "serves a queue of kernels, as one of a fleet",
      load: async () => (await import("./worker-command.js")).command,
    },
  ],
  [
    "cache",
    {
      summary: "shows or empties the store on disk",
      load: async () => (await import("./cache-command.js")).command,
    },
  ],
]);

export function commandsHelp(): string {
  const list = [...commands].map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`).join("\n");
  return `Usage: kiln <command> [options]

Commands:
${list}

Options:
  -h, --help     prints this help, or that of a command
  -v, --version  prints the version

Exits with 0 for success, with 1 if the work fails, and with 2 if the command line has an error.`;
}
