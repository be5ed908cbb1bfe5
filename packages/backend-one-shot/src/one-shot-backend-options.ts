import type { Tracer } from "@kiln-gpu/core";
import type { OpenDeviceOptions } from "@kiln-gpu/webgpu";

/** Which device every run opens. */
export interface OneShotBackendOptions extends OpenDeviceOptions {
  /**
   * For how many milliseconds a device is waited for after its run's caller has left, on a signal or a timeout; 2000 by default. Then it is set aside:
   * a kernel that does not end holds it for good.
   */
  readonly graceMs?: number;
  /** Who is told of runs, submissions and their phases; without one nothing is noted. */
  readonly tracer?: Tracer;
}
