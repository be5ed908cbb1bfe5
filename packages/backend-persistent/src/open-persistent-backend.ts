import {
  type ComputeBackend,
  ComputeError,
  type KeepsArrays,
  type RecordsSequences,
  type StagesMemory,
  type TunesKernels,
} from "@kiln-gpu/core";
import { openStore, type StoreOptions } from "@kiln-gpu/shader-cache";
import { type OpenDeviceOptions, openDevice } from "@kiln-gpu/webgpu";
import type { Leak } from "./holders.js";
import { type KeepLimits, PersistentBackend } from "./persistent-backend.js";

export interface PersistentBackendOptions extends OpenDeviceOptions, Partial<KeepLimits> {
  /** Where tuning results are kept for later processes: `false` for nowhere, options for elsewhere than the platform's cache folder. */
  readonly store?: boolean | StoreOptions;
  /**
   * When runs are submitted. `throughput`, the default, lets the runs of one tick share a submission, on the next microtask; `latency`
   * submits inside the call, while fewer than `maxSubmissions` are in flight, and nothing waits for company.
   */
  readonly mode?: "throughput" | "latency";
  /**
   * Who is told, once for each, of leases, staged memory, resident arrays and sequences that were dropped without being given back, with
   * the call that made them. By default the console, except where `NODE_ENV` is `production`, since remembering the call takes time.
   */
  readonly leakDetection?: boolean | ((leak: Leak) => void);
}

/** All that the persistent backend offers. */
export type PersistentComputeBackend = ComputeBackend & StagesMemory & KeepsArrays & RecordsSequences & TunesKernels;

const defaults: KeepLimits = {
  byteBudget: 2 * 2 ** 30,
  maxIdleMs: 30_000,
  maxPipelines: 256,
  maxDescriptorSets: 500,
  maxDescriptors: 1000,
  maxSubmissions: 3,
};

/**
 * Opens a backend that keeps its device, pipelines, bind groups and buffers, so that a warm run makes nothing.
 * @throws {ComputeError} `no-adapter`; `invalid-option` for a limit that is none.
 */
export async function openPersistentBackend(options: PersistentBackendOptions = {}): Promise<PersistentComputeBackend> {
  const limits: KeepLimits = { ...defaults };
  for (const name of Object.keys(defaults) as (keyof KeepLimits)[]) {
    const given = options[name];
    if (given === undefined) continue;
    const isBytesOrMs = name === "byteBudget" || name === "maxIdleMs";
    if (typeof given !== "number" || !(given >= 1) || (!isBytesOrMs && !Number.isInteger(given))) {
      const expected = isBytesOrMs ? "a number, 1 or more" : "a whole number, 1 or more";
      throw new ComputeError(
        "invalid-option",
        `openPersistentBackend is given a ${name} of ${given}; expected is ${expected}.`,
      );
    }
    (limits as { -readonly [name in keyof KeepLimits]: number })[name] = given;
  }
  const { store = true, mode = "throughput", leakDetection = isInDevelopment() } = options;
  if (mode !== "throughput" && mode !== "latency") {
    throw new ComputeError(
      "invalid-option",
      `openPersistentBackend is given a mode of ${JSON.stringify(mode)}; expected is "throughput" or "latency".`,
    );
  }
  const onLeak = typeof leakDetection === "function" ? leakDetection : leakDetection ? warnOfLeak : undefined;
  return new PersistentBackend(await openDevice(options), {
    limits,
    store: openStore(typeof store === "boolean" ? { isEnabled: store } : store),
    isImmediate: mode === "latency",
    onLeak,
  });
}

function isInDevelopment(): boolean {
  const { process } = globalThis as { readonly process?: { readonly env?: { readonly [name: string]: string } } };
  return process?.env?.NODE_ENV !== "production";
}

function warnOfLeak({ what, stack }: Leak): void {
  console.warn(
    `Kiln: ${what}, was dropped without being given back; release or dispose it. It was made here:\n${stack}`,
  );
}
