#!/usr/bin/env node
import { open as openFile, writeFile } from "node:fs/promises";
import { type DeviceInfo, isComputeError } from "@kiln-gpu/core";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { openDevice } from "@kiln-gpu/webgpu";
import { help, parseOptions, type SoakOptions, UsageError } from "./options.js";
import { svgOf } from "./plot.js";
import { lineOf, type Sample } from "./sample.js";
import { Soak, type Soaked } from "./soak.js";

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === "help") {
    console.log(help);
    return 0;
  }
  const { adapter, software, json, svg } = options;
  for (const path of [json, svg]) if (path !== undefined) await checkWritable(path);
  const open = { fallback: softwareGpu, software, ...(adapter !== undefined && { adapter }) };
  const device = await describe(open);
  console.log(headOf(device, options));
  const soak = new Soak(open, options, (sample) => console.log(lineOf(sample)));
  process.once("SIGINT", () => soak.stop());
  const soaked = await soak.run();
  const { samples, verdict, notes, isStuck } = soaked;
  console.log(["", ...verdict.lines, ...notes, verdict.isGood ? "The soak passed." : "The soak FAILED."].join("\n"));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(jsonOf(device, options, soaked), null, 2)}\n`);
  if (svg !== undefined) await writeFile(svg, plotOf(samples));
  const code = verdict.isGood ? 0 : 1;
  // A stuck device or call would keep the event loop going.
  if (isStuck) process.exit(code);
  return code;
}

/** Called before hours of work, rather than after them. */
async function checkWritable(path: string): Promise<void> {
  try {
    await (await openFile(path, "a")).close();
  } catch (cause) {
    throw new UsageError(
      `--json and --svg must be files that can be written; got "${path}": ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

async function describe(options: Parameters<typeof openDevice>[0]): Promise<DeviceInfo> {
  const device = await openDevice(options);
  await device.close();
  return device.info;
}

function headOf({ name, isSoftware }: DeviceInfo, options: SoakOptions): string {
  const { minutes, lossesPerMinute, cancellationsPerSecond } = options;
  return [
    `Adapter    ${name}, ${isSoftware ? "a SOFTWARE GPU" : "a GPU"}`,
    `Host       Node ${process.versions.node}, ${process.platform} ${process.arch}`,
    `Soak       ${minutes} min, ${lossesPerMinute} losses a minute, ${cancellationsPerSecond} cancellations a second`,
  ].join("\n");
}

function jsonOf(device: DeviceInfo, options: SoakOptions, { samples, verdict, notes }: Soaked) {
  const host = { node: process.versions.node, platform: process.platform, arch: process.arch };
  return { device, host, options, verdict, notes, samples };
}

function plotOf(samples: readonly Sample[]): string {
  const line = (name: string, look: (sample: Sample) => number) => ({ name, values: samples.map(look) });
  const mebibytes = (byteLength: number) => byteLength / 2 ** 20;
  return svgOf(
    samples.map(({ seconds }) => seconds),
    [
      { title: "Process, MiB", lines: [line("resident", (sample) => mebibytes(sample.residentByteLength))] },
      {
        title: "V8 after a collection, MiB",
        lines: [
          line("heap", (sample) => mebibytes(sample.heapByteLength)),
          line("external", (sample) => mebibytes(sample.externalByteLength)),
        ],
      },
      {
        title: "Alive",
        lines: [line("handles", (sample) => sample.handles), line("buffers", (sample) => sample.buffers)],
      },
      { title: "Buffers, MiB", lines: [line("bytes", (sample) => mebibytes(sample.bufferByteLength))] },
      {
        title: "Latency, ms",
        lines: [line("median", (sample) => sample.medianMs), line("p99", (sample) => sample.p99Ms)],
      },
      {
        title: "So far",
        lines: [
          line("losses", (sample) => sample.losses),
          line("cancellations", (sample) => sample.totals.rejected.aborted ?? 0),
        ],
      },
    ],
  );
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
