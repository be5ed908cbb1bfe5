export { type BufferRefusal, refusalOfBuffer } from "./check-buffer.js";
export { checkGpu } from "./check-gpu.js";
export { checkWebGpu, type WebGpuState } from "./check-web-gpu.js";
export { chooseGpu } from "./choose-gpu.js";
export { type CompiledProgram, type CompileRequest, compileProgram } from "./compile-program.js";
export { deviceError } from "./device-error.js";
export { createDeviceTimer, type DeviceTimer } from "./device-timer.js";
export { type EncodableDispatch, encodeDispatches, type ResourceOfRun } from "./encode-dispatches.js";
export { inErrorScope, type ScopedDevice } from "./error-scope.js";
export type { Experiment } from "./experiments.js";
export { bufferUsage, mapMode } from "./gpu-flags.js";
export type { GpuInfo } from "./gpu-info.js";
export { type GpusOptions, gpus } from "./gpus.js";
export { isLoaderInstalled, mayHaveGpu } from "./load-driver.js";
export { lossOr } from "./loss-or.js";
export {
  deviceOptionNames,
  deviceOptionsOf,
  type OpenDevice,
  type OpenDeviceOptions,
  openDevice,
} from "./open-device.js";
export type { SoftwareDriver, SoftwareGpu } from "./software-gpu.js";
export { disposeOnStop, type StopOptions, type StopPort, type StoppableWorker, stopWorker } from "./stop-worker.js";
export { submissionError } from "./submission-error.js";
export { unmap } from "./unmap.js";
