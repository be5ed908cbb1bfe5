#!/usr/bin/env node
import { open as openFile, readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import type { PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { type DeviceInfo, isComputeError } from "@kiln-gpu/core";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { deviceOptionsOf, openDevice } from "@kiln-gpu/webgpu";
import { compareTimings, lossesBeyond, reportComparison } from "./compare.js";
import { headOf } from "./head.js";
import { htmlReport } from "./html-report.js";
import { help, parseOptions, UsageError } from "./options.js";
import { printSections } from "./print.js";
import { openProgress } from "./progress.js";
import { sizesFor } from "./suite.js";
import { type NamedTiming, timingsOf } from "./timings.js";

const host = { node: process.versions.node, platform: process.platform, arch: process.arch };

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === "help") {
    console.log(help);
    return 0;
  }
  const { suites, json, html, compare, failBeyond, adapter, software, iterations, backends } = options;
  const open: PersistentBackendOptions = {
    fallback: softwareGpu,
    software,
    ...(adapter !== undefined && { adapter }),
    // The tuning results of other processes must not affect the measurements.
    store: false,
  };
  const before = compare === undefined ? undefined : await readTimings(compare);
  if (json !== undefined) await checkWritable("json", json);
  if (html !== undefined) await checkWritable("html", html);
  const device = await describe(open);
  const figures = new Map<string, unknown>();
  const reports: Record<string, string> = {};
  const head = headOf(device, suites, { ...options, host: `Node ${host.node}, ${host.platform} ${host.arch}` });
  const progress = openProgress();
  try {
    console.log(head);
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
      const report = printSections(suite.sections(measured));
      reports[suite.name] = report;
      console.log(`\n${report}`);
    }
  } finally {
    progress.end();
  }
  if (json !== undefined) await writeFile(json, `${JSON.stringify(jsonOf(device, figures), null, 2)}\n`);
  const timings = timingsOf(Object.fromEntries(figures));
  const compared = before && compareTimings(timings, before);
  const comparison = compared && reportComparison(compared, compare!);
  if (comparison !== undefined) console.log(`\n${comparison}`);
  if (html !== undefined) {
    const page = htmlReport({ head, versions: versions(), reports, timings, ...(comparison && { comparison }) });
    await writeFile(html, page);
  }
  if (failBeyond === undefined) return 0;
  const losses = lossesBeyond(compared!, failBeyond);
  const names = losses.map(({ suite, subject, contender }) => `${suite}, ${subject}, ${contender}`);
  if (names.length > 0) console.error(`Slower by more than ${failBeyond * 100}%:\n${names.join("\n")}`);
  return names.length === 0 ? 0 : 1;
}

/** The timings in the file that `--json` of an earlier run has written. */
async function readTimings(path: string): Promise<NamedTiming[]> {
  try {
    const { figures, targets, suites } = JSON.parse(await readFile(path, "utf8"));
    return timingsOf({ ...(figures && { comparison: { figures, targets } }), ...suites });
  } catch (cause) {
    throw new UsageError(`--compare must be the --json of an earlier run; got "${path}": ${(cause as Error).message}`, {
      cause,
    });
  }
}

function versions(): Record<string, string> {
  const { node, v8 } = process.versions;
  const processors = cpus();
  return {
    Node: node,
    V8: v8,
    platform: `${process.platform} ${process.arch}`,
    processor: `${processors[0]?.model.trim() ?? "unknown"}, ${processors.length} threads`,
    date: new Date().toISOString(),
  };
}

/** Called before minutes of measuring, rather than after them. */
async function checkWritable(option: string, path: string): Promise<void> {
  try {
    await (await openFile(path, "a")).close();
  } catch (cause) {
    throw new UsageError(`--${option} must be a file that can be written; got "${path}": ${(cause as Error).message}`, {
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
