import type {
  AdoptsBuffers,
  ComputeBackend,
  KeepsArrays,
  RecordsSequences,
  RecoversDevice,
  StagesMemory,
  TunesKernels,
  WarmsUp,
} from "@kiln-gpu/core";
import { RunLedger, traced } from "@kiln-gpu/core/backend";
import { checkTranslatorOptions } from "@kiln-gpu/shader";
import { openStore } from "@kiln-gpu/store";
import { openDevice } from "@kiln-gpu/webgpu";
import { DeviceKeeper } from "./device/device-keeper.js";
import { PersistentBackend } from "./persistent-backend.js";
import { checkOptions, type PersistentBackendOptions } from "./persistent-options.js";
import type { WarmProgram } from "./programs/manifest.js";
import { ProgramHistory } from "./programs/program-history.js";
import { ReflectionStore } from "./programs/reflection-store.js";
import { StoredManifest } from "./programs/stored-manifest.js";

/** Everything that the persistent backend offers. */
export type PersistentComputeBackend = ComputeBackend &
  StagesMemory &
  KeepsArrays &
  AdoptsBuffers &
  RecordsSequences &
  TunesKernels &
  RecoversDevice &
  WarmsUp;

/**
 * Opens a backend that keeps its device, pipelines, bind groups and buffers, so that a warm run creates nothing.
 * @throws {ComputeError} `no-adapter`, or `invalid-option` for an option of a wrong type or value.
 */
export async function openPersistentBackend(options: PersistentBackendOptions = {}): Promise<PersistentComputeBackend> {
  const { device, limits, isImmediate, onLeak, recovery, lossRetries, isPoisoned, ...checked } = checkOptions(options);
  checkTranslatorOptions(options);
  const { translatorWasm } = options;
  const runs = new RunLedger("persistent", options.tracer);
  const store = openStore(checked.store);
  const reflections = new ReflectionStore(store);
  const loading = { stored: reflections, ...(translatorWasm && { translatorWasm }) };
  const history = new ProgramHistory();
  const manifest = options.warmUp === undefined ? undefined : new StoredManifest(store, options.warmUp, history);
  const reopen = () => traced(runs.recorder, "The opening of a device", () => openDevice(device));
  // Read while the device opens.
  const reading = manifest?.read();
  const open = await reopen();
  const keeper = new DeviceKeeper(
    open,
    { limits, store, loading, history, runs, isImmediate, isPoisoned, onLeak },
    { reopen, recovers: open.isOwned && recovery, lossRetries },
  );
  const backend = new PersistentBackend({ runs, store, reflections, history, manifest, keeper, lossRetries, onLeak });
  if (reading) warmWith(backend, reading);
  return backend;
}

/**
 * Compiles what the manifest lists, without making the caller wait. If the backend is disposed or its device is lost
 * meanwhile, the next run says so. This is not a closure in `openPersistentBackend`: closures of one function share
 * their variables, and the keeper holds one of them, so it would keep the backend alive.
 */
function warmWith(backend: PersistentBackend, reading: Promise<readonly WarmProgram[]>): void {
  reading.then((programs) => backend.warm(programs)).catch(() => undefined);
}
