import { dirname, join } from "node:path";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import type { Environment } from "./environment.js";
import { type CommandEnd, type CommandOptions, runCommand } from "./run-command.js";
import type { Workshop } from "./workshop.js";

const project = "runtimes";
const exampleOutput = "Float32Array(3) [ 2, 4, 6 ]\n";
const smoke = "both backends, WGSL and SPIR-V, lost devices";
const imported = `\`import\`: the README's example, ${smoke}`;
const required = "`require` of every package, a run";

export const runtimes: readonly Environment[] = [
  oldNode("node-18"),
  ...["node-20", "node-22", "node-24", "node-26"].flatMap((dependency) =>
    runtime("Node", dependency, join("node_modules", dependency, "bin/node")),
  ),
  ...runtime("Bun", "@oven/bun-linux-x64", "node_modules/@oven/bun-linux-x64/bin/bun"),
  ...deno(),
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
    work: "`import`: the README's example, and `kiln`, on a Node that is too old",
    run: async (workshop) => {
      const sentence = `Kiln needs Node 20.19 or later; this is Node ${await workshop.version(project, dependency)}.`;
      const program = join("node_modules", dependency, "bin/node");
      for (const script of ["readme-example.mjs", "node_modules/@kiln-gpu/cli/dist/main.js"]) {
        const { status, output } = await runIn(workshop, program, [script]);
        if (status !== 1 || !output.includes(sentence)) throw new Error(`${script} ends with ${status}:\n${output}`);
      }
      return `refused: "${sentence}"`;
    },
  };
}

function deno(): Environment[] {
  const dependency = "@deno/linux-x64-glibc";
  const program = join("node_modules", dependency, "deno");
  const shared = { name: "Deno", project, package: dependency };
  const run = (...permissions: string[]) => ["run", "--no-prompt", ...permissions];
  /** As on a machine without a GPU. Otherwise Deno would also take an OpenGL driver. */
  const withoutGpu = { DENO_WEBGPU_BACKEND: "vulkan", VK_DRIVER_FILES: "/nonexistent" };
  const npmPermissions = ["--allow-ffi", "--allow-read"];
  return [
    {
      ...shared,
      work: "Deno's own WebGPU, with no permission: the README's example",
      run: async (workshop) =>
        expectOutput(workshop, program, [...run(), "readme-example.mjs"], exampleOutput, await vulkan()),
    },
    {
      ...shared,
      work: `Deno's own WebGPU, with \`--allow-read\`: ${smoke}`,
      run: async (workshop) =>
        expectOutput(workshop, program, [...run("--allow-read"), "smoke.mjs"], "right\n", await vulkan()),
    },
    {
      ...shared,
      work: "Deno's own WebGPU: structs that Deno reads wrongly, which Kiln writes out or refuses",
      run: async (workshop) => expectOutput(workshop, program, [...run(), "layouts.mjs"], "right\n", await vulkan()),
    },
    {
      ...shared,
      work: `no GPU, the software GPU with \`${npmPermissions.join(" ")}\`: ${smoke}`,
      run: (workshop) =>
        expectOutput(workshop, program, [...run(...npmPermissions), "smoke.mjs"], "right\n", withoutGpu),
    },
    {
      ...shared,
      // The client of Redis reads the environment, which takes a permission more.
      work: "no GPU, the software GPU: `require` of every package but that of queues, a run",
      run: (workshop) =>
        expectOutput(
          workshop,
          program,
          [...run(...npmPermissions), "require.cjs", ...workshop.doors.filter((door) => !/backend-remote/.test(door))],
          "right\n",
          withoutGpu,
        ),
    },
  ];
}

/** The variables by which Deno finds the software GPU as if it were a GPU of this machine: through a Vulkan loader. */
async function vulkan(): Promise<Record<string, string>> {
  const { loader, manifest } = await softwareGpu.locate();
  return { DENO_WEBGPU_BACKEND: "vulkan", LD_LIBRARY_PATH: dirname(loader), VK_DRIVER_FILES: manifest };
}

async function expectOutput(
  workshop: Workshop,
  program: string,
  args: readonly string[],
  expected: string,
  env: CommandOptions["env"] = {},
): Promise<string> {
  const { status, stdout, output } = await runIn(workshop, program, args, env);
  if (status !== 0 || stdout !== expected) {
    throw new Error(`${program} ${args.join(" ")} ends with ${status}:\n${output}`);
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
