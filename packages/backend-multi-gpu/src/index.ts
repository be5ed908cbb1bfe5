export type {
  MultiGpuArrayOptions,
  MultiGpuComputeBackend,
  MultiGpuEvents,
  MultiGpuRecordOptions,
  MultiGpuStats,
  PlaceOptions,
} from "./multi-gpu-compute-backend.js";
export { type MultiGpuOptions, openMultiGpuBackend } from "./open-multi-gpu-backend.js";
