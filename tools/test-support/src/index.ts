export { changingCalls, expectCalls, freshKernel } from "./changing-calls.js";
export { isBrowser, isLongRun } from "./environment.js";
export { eventually, expectClose, expectError, expectNothingLive, expectSame } from "./expectations.js";
export { LosableDevices } from "./losable-devices.js";
export {
  expectUsable,
  type FaultTime,
  nextSubmission,
  sabotage,
  starve,
  victimWorkgroups,
  WatchedDevices,
  watchCommands,
  withOwnDevice,
} from "./own-device.js";
export { poisonedMemory } from "./poisoned-memory.js";
export { RandomData } from "./random-data.js";
export { software } from "./software.js";
export { spin, spinBindings } from "./spin.js";
export { combine, combined, step, stepped } from "./step-kernels.js";
export { expectNested, expectWhole, phasesOf, submissionPhases, TraceLog } from "./trace-log.js";
export { collectUnhandledRejections } from "./unhandled-rejections.js";
