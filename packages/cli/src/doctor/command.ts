import { styleText } from "node:util";
import type { DeviceInfo } from "@kiln-gpu/core";
import { surveyStore } from "@kiln-gpu/store";
import { mayHaveGpu } from "@kiln-gpu/webgpu";
import { type Command, parseOptions } from "../command.js";
import { explainNoise } from "./driver-noise.js";
import type { Finding } from "./finding.js";
import { packageManagerFinding } from "./package-manager.js";
import { type ProbeEnd, runProbe } from "./run-probe.js";
import { vulkanFindings } from "./vulkan.js";

const help = `Usage: kiln doctor [options]

Shows whether kernels can run here, and on what: Node, the package manager, Vulkan, each GPU with its features and
limits, the software GPU, and the store on disk. For each thing that is missing it says what to do. It also explains
what drivers write to standard error.

Options:
  --json      prints JSON
  -h, --help  prints this help

Exits with 0 if kernels can run, on a GPU or on the software GPU, and with 1 if they cannot.`;

export const command: Command = {
  help,
  async run(args, { folder, output }) {
    const given = parseOptions(args, { json: "flag" });
    given.refusePaths();
    // One after the other: two drivers that start at once slow each other down.
    const gpus = await runProbe("gpus", folder);
    const software = await runProbe("software", folder);
    const real = gpus.devices.filter(({ isSoftware }) => !isSoftware);
    const canRun = gpus.devices.length + software.devices.length > 0;
    const findings = [
      nodeFinding(),
      packageManagerFinding(folder),
      ...(process.platform === "linux" ? vulkanFindings() : []),
      gpuFinding(gpus, real, canRun),
      softwareFinding(software, real.length > 0),
      await storeFinding(),
    ];
    const devices = [...gpus.devices, ...software.devices];
    const noise = explainNoise(gpus.noise + software.noise);
    if (given.flag("json")) {
      output.write(`${JSON.stringify({ canRun, findings, devices, noise }, null, 2)}\n`);
      return canRun ? 0 : 1;
    }
    const style = (format: Parameters<typeof styleText>[0], text: string) =>
      styleText(format, text, { stream: output });
    const marks = { ok: style("green", "ok     "), note: style("yellow", "note   "), missing: style("red", "missing") };
    const lines = findings.flatMap(({ status, name, found, advice }) => [
      `${marks[status]}  ${style("bold", name)}: ${found}`,
      ...(advice === undefined ? [] : [`         ${advice}`]),
    ]);
    for (const device of devices) lines.push("", ...describeDevice(device, (text) => style("bold", text)));
    if (noise.length > 0) lines.push("", style("bold", "Drivers write to standard error:"));
    for (const { line, meaning } of noise) lines.push(`  ${line}`, `    ${meaning ?? "Kiln does not know this line."}`);
    lines.push("", verdict(real.length > 0, canRun));
    output.write(`${lines.join("\n")}\n`);
    return canRun ? 0 : 1;
  },
};

function verdict(hasGpu: boolean, canRun: boolean): string {
  if (hasGpu) return "Kernels run on the GPU.";
  return canRun ? "Kernels run on a software GPU: with right results, and slowly." : "Kernels cannot run here.";
}

function nodeFinding(): Finding {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split(".").map(Number);
  const found = `${node}, ${process.platform} ${process.arch}`;
  if (major > 20 || (major === 20 && minor >= 19)) return { status: "ok", name: "Node", found };
  return { status: "missing", name: "Node", found, advice: "Kiln needs Node 20.19 or later: https://nodejs.org." };
}

function gpuFinding({ devices, problems }: ProbeEnd, real: readonly DeviceInfo[], canRun: boolean): Finding {
  const name = "GPU";
  if (real.length > 0) return { status: "ok", name, found: real.map((device) => device.name).join(", ") };
  const only = devices.map((device) => device.name).join(", ");
  const found = only === "" ? `none. ${problems.join(" ")}` : `none; Vulkan finds only ${only}, where the CPU computes`;
  const advice = mayHaveGpu()
    ? "There may be a GPU: install or update its driver."
    : "This machine shows no GPU. A virtual machine or container must be given one.";
  return { status: canRun ? "note" : "missing", name, found, advice };
}

function softwareFinding({ devices: [device], problems }: ProbeEnd, hasGpu: boolean): Finding {
  const name = "Software GPU";
  if (device) return { status: "ok", name, found: `${device.name}; the CPU computes` };
  return {
    status: hasGpu ? "note" : "missing",
    name,
    found: problems.join("; "),
    ...(process.platform === "linux" && { advice: "npm install @kiln-gpu/software-gpu, for machines without a GPU." }),
  };
}

async function storeFinding(): Promise<Finding> {
  const name = "Store";
  try {
    const survey = await surveyStore();
    if (!survey) return { status: "note", name, found: "off, by the environment variable KILN_STORE" };
    return { status: "ok", name, found: `${survey.directory}, ${survey.entries.length} entries` };
  } catch (error) {
    const advice = "Set KILN_STORE_DIRECTORY to a folder that only you may write, or KILN_STORE=off.";
    return { status: "missing", name, found: (error as Error).message, advice };
  }
}

function describeDevice(
  { name, vendor, architecture, isSoftware, features, limits }: DeviceInfo,
  bold: (text: string) => string,
) {
  const has = (feature: string) => (features.includes(feature) ? "yes" : "no");
  const mebibytes = (byteLength: number) => `${Math.floor(byteLength / 2 ** 20)} MiB`;
  const { maxComputeWorkgroupSizeX: x, maxComputeWorkgroupSizeY: y, maxComputeWorkgroupSizeZ: z } = limits;
  return [
    bold(name),
    `  kind        ${isSoftware ? "software: the CPU computes" : "a GPU"}, ${vendor} ${architecture}`.trimEnd(),
    `  timestamps  ${has("timestamp-query")}`,
    `  f16         ${has("shader-f16")}`,
    `  subgroups   ${has("subgroups")}`,
    `  buffers     up to ${mebibytes(limits.maxBufferSize)}, ${mebibytes(limits.maxStorageBufferBindingSize)} in one binding`,
    `  workgroups  up to ${limits.maxComputeInvocationsPerWorkgroup} threads, ${x} x ${y} x ${z}; ` +
      `${limits.maxComputeWorkgroupsPerDimension} in each dimension`,
  ];
}
