import { join } from "node:path";
import type { Environment } from "./environment.js";
import { type CommandEnd, type CommandOptions, runCommand } from "./run-command.js";
import type { Workshop } from "./workshop.js";

const project = "runtimes";
const exampleOutput = "Float32Array(3) [ 2, 4, 6 ]\n";
const imported = "`import`: the README's example, both backends, WGSL and SPIR-V, a lost device";
const required = "`require` of every package, a run";

export const runtimes: readonly Environment[] = [
  oldNode("node-18"),
  ...["node-20", "node-22", "node-24", "node-26"].flatMap((dependency) =>
    runtime("Node", dependency, join("node_modules", dependency, "bin/node")),
  ),
  ...runtime("Bun", "@oven/bun-linux-x64", "node_modules/@oven/bun-linux-x64/bin/bun"),
];

/** A runtime that has no WebGPU of its own, with the software GPU. */
function runtime(name: string, dependency: string, program: string): Environment[] {
  const shared = { name, project, package: dependency };
  return [
    {
      ...shared,
      work: imported,
      run: async (workshop) => {
        await expectOutput(workshop, program, ["readme-example.mjs"], exampleOutput);
        return await expectOutput(workshop, program, ["smoke.mjs"], "right\n");
      },
    },
    {
      ...shared,
      work: required,
      run: (workshop) => expectOutput(workshop, program, ["require.cjs", ...workshop.doors], "right\n"),
    },
  ];
}

/** A version of Node that Kiln does not support: one sentence says so. */
function oldNode(dependency: string): Environment {
  return {
    name: "Node",
    project,
    package: dependency,
    work: "`import`: the README's example, on a Node that is too old",
    run: async (workshop) => {
      const { status, output } = await runIn(workshop, join("node_modules", dependency, "bin/node"), [
        "readme-example.mjs",
      ]);
      const [, message] = /ComputeError: (.*)/.exec(output) ?? [];
      const expected = `Kiln needs Node 20.19 or later; this is Node ${await workshop.version(project, dependency)}.`;
      if (status === 0 || message !== expected) throw new Error(`It ends with ${status}:\n${output}`);
      return `refused: "${message}"`;
    },
  };
}

async function expectOutput(workshop: Workshop, program: string, args: readonly string[], expected: string) {
  const { status, stdout, output } = await runIn(workshop, program, args);
  if (status !== 0 || stdout !== expected) {
    throw new Error(`${program} ${args[0]} ends with ${status}:\n${output}`);
  }
  return "right";
}

function runIn(
  workshop: Workshop,
  program: string,
  args: readonly string[],
  env: CommandOptions["env"] = {},
): Promise<CommandEnd> {
  const cwd = workshop.project(project);
  return runCommand(join(cwd, program), args, { cwd, env });
}
