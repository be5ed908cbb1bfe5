import { type ComputeBackend, ComputeError } from "@kiln-gpu/core";
import { checkOptionNames, describeValue } from "@kiln-gpu/core/backend";
import { checkTranslatorOptions } from "@kiln-gpu/shader";
import { deviceOptionsOf, openDevice } from "@kiln-gpu/webgpu";
import { OneShotBackend } from "./one-shot-backend.js";
import { type OneShotBackendOptions, oneShotOptionNames } from "./one-shot-backend-options.js";

/**
 * Opens a backend that creates everything for each run and destroys it afterwards. It is the reference for results and
 * the baseline for time. This call opens a device and closes it again, to learn what it is.
 * @throws {ComputeError} `no-adapter`; `invalid-option`.
 */
export async function openOneShotBackend(options: OneShotBackendOptions = {}): Promise<ComputeBackend> {
  checkOptionNames("openOneShotBackend", options, oneShotOptionNames);
  checkTranslatorOptions(options);
  const { graceMs = 2000, tracer, translatorWasm } = options;
  const device = deviceOptionsOf(options);
  if (typeof graceMs !== "number" || !(graceMs > 0)) {
    throw new ComputeError(
      "invalid-option",
      `openOneShotBackend: "graceMs" must be a number of milliseconds above 0; got ${describeValue(graceMs)}.`,
    );
  }
  const open = await openDevice(device);
  await open.close();
  return new OneShotBackend(open.info, {
    device,
    loading: { ...(translatorWasm && { translatorWasm }) },
    graceMs,
    tracer,
  });
}
