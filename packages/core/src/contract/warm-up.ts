/** What one process compiled, for the next one to compile before a run needs it. */

/** Plain JSON: keep it in a file, and hand it to `warmUp` as it was read. */
export interface Manifest {
  /** The version of Kiln and of its translator; a manifest of another version warms nothing. */
  readonly version: string;
  /**
   * The text, interface and constants of each program, as the device receives them. Programs that a run needed first
   * most recently come first.
   */
  readonly programs: readonly object[];
}

export interface WarmUpReport {
  /** Pipelines that are compiled now, including those compiled before the call. */
  readonly compiled: number;
  /** Pipelines that this device does not compile. A run that needs one tries again, and rejects with the reason. */
  readonly failed: number;
  /** Whether the manifest is of another version; nothing of it is compiled then. */
  readonly isForeign: boolean;
}

/** What a backend offers besides `ComputeBackend` if it can compile what an earlier process compiled. */
export interface WarmsUp {
  /** The programs compiled since the backend was opened, and those that a manifest warmed and a run used. */
  manifest(): Manifest;
  /**
   * Compiles everything in `manifest`, in parallel, and again whenever another device is opened; resolves when it is
   * compiled. Runs go on meanwhile; a run that needs a pipeline which is being compiled waits for that pipeline only.
   * @throws {ComputeError} `invalid-option` if `manifest` is not a manifest; `device-lost` and `disposed` at any time.
   */
  warmUp(manifest: Manifest): Promise<WarmUpReport>;
}
