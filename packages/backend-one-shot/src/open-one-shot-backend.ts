import type { ComputeBackend } from "@kiln-gpu/core";
import { checkTranslatorOptions } from "@kiln-gpu/shader";
import { openDevice } from "@kiln-gpu/webgpu";
import { OneShotBackend } from "./one-shot-backend.js";
import type { OneShotBackendOptions } from "./one-shot-backend-options.js";

/**
 * Opens a backend that creates everything for each run and destroys it afterwards. It is the reference for results and
 * the baseline for time. This call opens a device and closes it again, to learn what it is.
 * @throws {ComputeError} `no-adapter`; `invalid-option`.
 */
export async function openOneShotBackend(options: OneShotBackendOptions = {}): Promise<ComputeBackend> {
  checkTranslatorOptions(options);
  const open = await openDevice(options);
  await open.close();
  return new OneShotBackend(open.info, options);
}
