/**
 * Looks for GPUs in a process of its own, which prints what it finds as JSON. Drivers write to standard error, change
 * what their process finds later, and may crash.
 */
import { type DeviceInfo, isComputeError } from "@kiln-gpu/core";
import { type OpenDeviceOptions, openDevice } from "@kiln-gpu/webgpu";
import { findSoftwareGpu } from "./find-software-gpu.js";

/** What a process found. */
export interface GpuProbe {
  readonly devices: readonly DeviceInfo[];
  /** Why there is none. */
  readonly problems: readonly string[];
}

const [kind, folder] = process.argv.slice(2) as [kind: "gpus" | "software", folder: string];

async function probe(): Promise<GpuProbe> {
  if (kind === "gpus") return probeGpus();
  const fallback = await findSoftwareGpu(folder);
  if (!fallback) return { devices: [], problems: ["no software GPU is installed in this project"] };
  return probeEach([{ fallback, software: true }]);
}

/** WebGPU gives one adapter of its choice. The error about a name that no adapter has lists all of them. */
async function probeGpus(): Promise<GpuProbe> {
  const message = await openDevice({ adapter: "\u0000" }).then(
    () => "",
    (error: unknown) => (isComputeError(error) ? error.message : String(error)),
  );
  const [, list = ""] = /; found: (.*)\.$/s.exec(message) ?? [];
  const names = new Set([...list.matchAll(/"([^"]*)"/g)].map(([, name]) => name!));
  return names.size === 0 ? probeEach([{}]) : probeEach([...names].map((adapter) => ({ adapter })));
}

async function probeEach(all: readonly OpenDeviceOptions[]): Promise<GpuProbe> {
  const devices: DeviceInfo[] = [];
  const problems: string[] = [];
  for (const options of all) {
    try {
      const open = await openDevice(options);
      devices.push(open.info);
      await open.close();
    } catch (error) {
      problems.push(explain(error));
    }
  }
  return { devices, problems };
}

/** The message of the innermost cause, which names what is missing. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? explain(error.cause) : error.message;
}

process.stdout.write(JSON.stringify(await probe()));
