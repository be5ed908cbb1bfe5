export { type CompiledProgram, type CompileRequest, compileProgram } from "./compile-program.js";
export { createDeviceTimer, type DeviceTimer } from "./device-timer.js";
export { type EncodableDispatch, encodeDispatches } from "./encode-dispatches.js";
export { inErrorScope } from "./error-scope.js";
export { bufferUsage, mapMode } from "./gpu-flags.js";
export { lossOr } from "./loss-or.js";
export { type OpenDevice, type OpenDeviceOptions, openDevice } from "./open-device.js";
export type { SoftwareDriver, SoftwareGpu } from "./software-gpu.js";
export { submissionError } from "./submission-error.js";
