#!/usr/bin/env node
import { open as openFile, writeFile } from "node:fs/promises";
import type { PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { type DeviceInfo, isComputeError } from "@kiln-gpu/core";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { deviceOptionsOf, openDevice } from "@kiln-gpu/webgpu";
import { headOf } from "./head.js";
import { help, parseOptions, UsageError } from "./options.js";
import { printSections } from "./print.js";
import { openProgress } from "./progress.js";
import { sizesFor } from "./suite.js";

const host = { node: process.versions.node, platform: process.platform, arch: process.arch };

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === "help") {
    console.log(help);
    return 0;
  }
  const { suites, json, adapter, software, iterations, backends } = options;
  const open: PersistentBackendOptions = {
    fallback: softwareGpu,
    software,
    ...(adapter !== undefined && { adapter }),
    // The tuning results of other processes must not affect the measurements.
    store: false,
  };
  if (json !== undefined) await checkWritable(json);
  const device = await describe(open);
  const figures = new Map<string, unknown>();
  const progress = openProgress();
  try {
    console.log(headOf(device, suites, { ...options, host: `Node ${host.node}, ${host.platform} ${host.arch}` }));
    for (const suite of suites) {
      const measured = await suite.measure({
        open,
        device,
        sizes: sizesFor(suite, options, device),
        iterations: iterations ?? suite.defaultIterations,
        backends,
        step: ({ text }) => progress.step(text),
      });
      figures.set(suite.name, measured);
      progress.end();
      console.log(`\n${printSections(suite.sections(measured))}`);
    }
  } finally {
    progress.end();
  }
  if (json !== undefined) await writeFile(json, `${JSON.stringify(jsonOf(device, figures), null, 2)}\n`);
  return 0;
}

/** Called before minutes of measuring, rather than after them. */
async function checkWritable(path: string): Promise<void> {
  try {
    await (await openFile(path, "a")).close();
  } catch (cause) {
    throw new UsageError(`--json must be a file that can be written; got "${path}": ${(cause as Error).message}`, {
      cause,
    });
  }
}

async function describe(open: PersistentBackendOptions): Promise<DeviceInfo> {
  const device = await openDevice(deviceOptionsOf(open));
  await device.close();
  return device.info;
}

/** The figures of the comparison are at the top level, where they were when it was the only suite. */
function jsonOf(device: DeviceInfo, figures: ReadonlyMap<string, unknown>) {
  const { comparison, ...suites } = Object.fromEntries(figures);
  return { device, host, ...(comparison as object | undefined), suites };
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
