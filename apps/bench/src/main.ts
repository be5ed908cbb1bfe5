#!/usr/bin/env node
import { open as openFile, writeFile } from "node:fs/promises";
import { type DeviceInfo, isComputeError } from "@kiln-gpu/core";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { type OpenDeviceOptions, openDevice } from "@kiln-gpu/webgpu";
import { measureOneShot, measurePersistent } from "./measure.js";
import { type BenchOptions, formatSize, help, parseOptions, UsageError } from "./options.js";
import { openProgress } from "./progress.js";
import { reportOf, type SizeFigures, targetsOf } from "./report.js";

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === "help") {
    console.log(help);
    return 0;
  }
  const { json, adapter, software } = options;
  const open: OpenDeviceOptions = { fallback: softwareGpu, software, ...(adapter !== undefined && { adapter }) };
  if (json !== undefined) await checkWritable(json);
  const device = await openDevice(open);
  const { info } = device;
  await device.close();
  const figures = await measure(options, open);
  console.log(reportOf(info, figures));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(jsonOf(info, figures), null, 2)}\n`);
  return 0;
}

/** Before minutes of measuring, not after. */
async function checkWritable(path: string): Promise<void> {
  try {
    await (await openFile(path, "a")).close();
  } catch (cause) {
    throw new UsageError(`--json takes a file that can be written; "${path}" is given: ${(cause as Error).message}`, {
      cause,
    });
  }
}

async function measure({ sizes, iterations, backends }: BenchOptions, open: OpenDeviceOptions): Promise<SizeFigures[]> {
  const progress = openProgress();
  const oneShotCount = Math.min(Math.max(Math.round(iterations / 20), 3), 10);
  try {
    const figures: SizeFigures[] = [];
    for (const size of sizes) {
      const at = `at ${formatSize(size)} elements`;
      let oneShot: SizeFigures["oneShot"];
      if (backends.includes("one-shot")) {
        progress.step(`one-shot ${at}, ${oneShotCount} calls`);
        oneShot = await measureOneShot(open, size, oneShotCount);
      }
      let persistent: SizeFigures["persistent"];
      if (backends.includes("persistent")) {
        // From 1M elements on a call takes long enough that fewer tell as much.
        const count = size >= 2 ** 20 ? Math.min(iterations, 50) : iterations;
        progress.step(`persistent ${at}, ${count} calls`);
        persistent = await measurePersistent(open, size, count);
      }
      figures.push({ size, oneShot, persistent });
    }
    return figures;
  } finally {
    progress.end();
  }
}

function jsonOf(device: DeviceInfo, figures: readonly SizeFigures[]) {
  const host = { node: process.versions.node, platform: process.platform, arch: process.arch };
  return { device, host, figures, targets: targetsOf(figures) };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${help}`);
    process.exitCode = 2;
  } else if (isComputeError(error)) {
    console.error(`${error.code}: ${error.message}`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
