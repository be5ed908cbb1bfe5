import type { Tracer } from "@kiln-gpu/core";
import { type TranslatorOptions, translatorOptionNames } from "@kiln-gpu/shader";
import { deviceOptionNames, type OpenDeviceOptions } from "@kiln-gpu/webgpu";

/** The device that each run opens, and what the backend does with it. */
export interface OneShotBackendOptions extends OpenDeviceOptions, TranslatorOptions {
  /**
   * How many milliseconds a run may go on after its caller has left, on a signal or a timeout. Then its device is
   * abandoned, because a kernel that never ends never frees it.
   * @default 2000
   */
  readonly graceMs?: number;
  /** Receives runs, submissions and their phases; without a tracer nothing is recorded. */
  readonly tracer?: Tracer;
}

export const oneShotOptionNames = /* @__PURE__ */ new Set([
  ...deviceOptionNames,
  ...translatorOptionNames,
  "graceMs",
  "tracer",
]);
