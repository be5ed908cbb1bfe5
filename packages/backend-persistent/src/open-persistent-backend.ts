import {
  type ComputeBackend,
  ComputeError,
  type KeepsArrays,
  type RecordsSequences,
  type RecoversDevice,
  type StagesMemory,
  type Tracer,
  type TunesKernels,
  type WarmsUp,
} from "@kiln-gpu/core";
import { describeValue, RunLedger, traced } from "@kiln-gpu/core/backend";
import { openStore, type StoreOptions } from "@kiln-gpu/store";
import { type OpenDeviceOptions, openDevice } from "@kiln-gpu/webgpu";
import { DeviceKeeper } from "./device/device-keeper.js";
import type { KeepLimits } from "./device/device-session.js";
import type { Leak } from "./memory/holders.js";
import { PersistentBackend } from "./persistent-backend.js";
import type { WarmProgram } from "./programs/manifest.js";
import { ProgramHistory } from "./programs/program-history.js";
import { ReflectionStore } from "./programs/reflection-store.js";
import { StoredManifest } from "./programs/stored-manifest.js";

export interface PersistentBackendOptions extends OpenDeviceOptions, Partial<KeepLimits> {
  /**
   * Where translations, reflection, tuning results and manifests are kept for later processes: `false` for nowhere,
   * options for elsewhere than the platform's cache folder.
   */
  readonly store?: boolean | StoreOptions;
  /**
   * A name for what this program compiles, such as "my-service". What earlier processes have compiled under it is
   * compiled at once, in parallel, while the first runs come; what this one compiles is written to the store.
   */
  readonly warmUp?: string;
  /**
   * When runs are submitted. `throughput`, the default, lets the runs of one tick share a submission, on the next
   * microtask; `latency` submits inside the call, while fewer than `maxSubmissions` are in flight, and nothing waits
   * for company.
   */
  readonly mode?: "throughput" | "latency";
  /**
   * Who is told, once for each, of leases, staged memory, resident arrays, sequences and backends that were dropped
   * without being given back, with the call that made them. By default the console, except where `NODE_ENV` is
   * `production`, since remembering the call takes time.
   */
  readonly leakDetection?: boolean | ((leak: Leak) => void);
  /**
   * Whether another device is opened when this one is lost; so by default, except where the device is the caller's own.
   * What was prepared is prepared again, and arrays that are `recoverable` are uploaded again.
   */
  readonly recovery?: boolean;
  /**
   * How often a run that was lost with its device is begun again on another: 1 by default. Only runs of which
   * everything is still on the host are; others reject with `device-lost`.
   */
  readonly lossRetries?: number;
  /** Who is told of runs, submissions and their phases, and of the device; without one nothing is noted. */
  readonly tracer?: Tracer;
  /**
   * Fills all memory with a pattern before each use, for tests: a kernel or a reader that sees bytes which nobody wrote
   * for it sees the pattern. It costs much time.
   */
  readonly poisonMemory?: boolean;
}

/** All that the persistent backend offers. */
export type PersistentComputeBackend = ComputeBackend &
  StagesMemory &
  KeepsArrays &
  RecordsSequences &
  TunesKernels &
  RecoversDevice &
  WarmsUp;

const defaults: KeepLimits = {
  byteBudget: 2 * 2 ** 30,
  memoryWaitMs: 10_000,
  maxIdleMs: 30_000,
  maxPipelines: 256,
  maxDescriptorSets: 2048,
  maxDescriptors: 8192,
  maxSubmissions: 3,
  graceMs: 2000,
  deadlineMs: Number.POSITIVE_INFINITY,
  maxAbandoned: 4,
};

/** Those that need not be whole. */
const amounts: readonly (keyof KeepLimits)[] = ["byteBudget", "memoryWaitMs", "maxIdleMs", "graceMs", "deadlineMs"];

/**
 * Opens a backend that keeps its device, pipelines, bind groups and buffers, so that a warm run makes nothing.
 * @throws {ComputeError} `no-adapter`; `invalid-option` for a limit that is none, or another option of a wrong type.
 */
export async function openPersistentBackend(options: PersistentBackendOptions = {}): Promise<PersistentComputeBackend> {
  const limits: KeepLimits = { ...defaults };
  for (const name of Object.keys(defaults) as (keyof KeepLimits)[]) {
    const given = options[name];
    if (given === undefined) continue;
    const isAmount = amounts.includes(name);
    if (typeof given !== "number" || !(given >= 1) || (!isAmount && !Number.isInteger(given))) {
      const expected = isAmount ? "a number, 1 or more" : "a whole number, 1 or more";
      throw new ComputeError(
        "invalid-option",
        `openPersistentBackend is given a ${name} of ${describeValue(given)}; expected is ${expected}.`,
      );
    }
    (limits as { -readonly [name in keyof KeepLimits]: number })[name] = given;
  }
  const { store = true, mode = "throughput", leakDetection = isInDevelopment(), lossRetries = 1 } = options;
  if (!Number.isInteger(lossRetries) || lossRetries < 0) {
    throw new ComputeError(
      "invalid-option",
      `openPersistentBackend is given lossRetries of ${describeValue(lossRetries)}; expected is a whole number, 0 or more.`,
    );
  }
  if (mode !== "throughput" && mode !== "latency") {
    throw new ComputeError(
      "invalid-option",
      `openPersistentBackend is given a mode of ${describeValue(mode)}; expected is "throughput" or "latency".`,
    );
  }
  checkOption("recovery", options.recovery, "true or false", isBoolean);
  checkOption("poisonMemory", options.poisonMemory, "true or false", isBoolean);
  checkOption(
    "leakDetection",
    leakDetection,
    "true, false or a function",
    (given) => isBoolean(given) || typeof given === "function",
  );
  checkOption(
    "store",
    store,
    "true, false or an object of options",
    (given) => isBoolean(given) || (typeof given === "object" && given !== null),
  );
  const onLeak = typeof leakDetection === "function" ? leakDetection : leakDetection ? warnOfLeak : undefined;
  const runs = new RunLedger("persistent", options.tracer);
  const openedStore = openStore(typeof store === "boolean" ? { isEnabled: store } : store);
  const reflections = new ReflectionStore(openedStore);
  const history = new ProgramHistory();
  const manifest = options.warmUp === undefined ? undefined : new StoredManifest(openedStore, options.warmUp, history);
  const openAnother = () => traced(runs.recorder, "The opening of a device", () => openDevice(options));
  // Read while the device opens.
  const reading = manifest?.read();
  const open = await openAnother();
  const parts = {
    limits,
    store: openedStore,
    reflections,
    history,
    runs,
    isImmediate: mode === "latency",
    isPoisoned: options.poisonMemory ?? false,
    onLeak,
  };
  const recovers = open.isOwned && (options.recovery ?? true);
  const keeper = new DeviceKeeper(open, parts, { reopen: openAnother, recovers, lossRetries });
  const backend = new PersistentBackend({
    runs,
    store: openedStore,
    reflections,
    history,
    manifest,
    keeper,
    lossRetries,
    onLeak,
  });
  if (reading) warmWith(backend, reading);
  return backend;
}

function checkOption(name: string, given: unknown, expected: string, isRight: (given: unknown) => boolean): void {
  if (given === undefined || isRight(given)) return;
  throw new ComputeError(
    "invalid-option",
    `openPersistentBackend is given ${name} of ${describeValue(given)}; expected is ${expected}.`,
  );
}

function isBoolean(given: unknown): boolean {
  return typeof given === "boolean";
}

/**
 * Not waited for; where the backend is disposed or the device lost before, whoever runs is told. A function of its own:
 * what a function within `openPersistentBackend` uses is kept by all of them, and the keeper has one.
 */
function warmWith(backend: PersistentBackend, reading: Promise<readonly WarmProgram[]>): void {
  reading.then((programs) => backend.warm(programs)).catch(() => undefined);
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
