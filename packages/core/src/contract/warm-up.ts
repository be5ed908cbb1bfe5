/** What a process compiled, told to one that is to compile it before it is asked to. */

/** Plain JSON, to be kept in a file and handed to `warmUp` as it was read. */
export interface Manifest {
  /** Of Kiln and of its translator; another version's manifest warms nothing. */
  readonly version: string;
  /** The latest that a run needed for the first time come first: text, interface and constants of each, as the device is given them. */
  readonly programs: readonly object[];
}

export interface WarmUpReport {
  /** Pipelines that are compiled now, those that were before included. */
  readonly compiled: number;
  /** Pipelines that this device does not compile; a run that needs one tries again, and is told why not. */
  readonly failed: number;
  /** Whether the manifest is of another version, of which nothing is compiled. */
  readonly isForeign: boolean;
}

/** What a backend offers beside `ComputeBackend` when it can compile what an earlier process compiled. */
export interface WarmsUp {
  /** What was compiled since the backend was opened, and what was used of that which a manifest warmed. */
  manifest(): Manifest;
  /**
   * Compiles all that `manifest` holds, in parallel, and again whenever another device is opened; resolves when that is done. Runs go on
   * meanwhile, and one that needs a pipeline which is being compiled waits for that one.
   * @throws {ComputeError} `invalid-option` for what is no manifest; `device-lost` and `disposed` at any time.
   */
  warmUp(manifest: Manifest): Promise<WarmUpReport>;
}
