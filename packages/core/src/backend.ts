/** For those who write a backend, or a tool above the contract; users of kernels need nothing of it. */
export { type BindingRole, bindingRole, roleOf } from "./bindings/binding-role.js";
export { useOptionNames } from "./bindings/bindings.js";
export { bytesOf, roundUpTo4 } from "./bindings/bytes-of.js";
export { checkOptionNames, likelyName, optionNames } from "./bindings/check-options.js";
export { adviseArray, describeValue, withArticle } from "./bindings/describe-value.js";
export { takeBindings } from "./bindings/take-bindings.js";
export { arrayTypeOf, checkAttached, isSameType } from "./bindings/typed-arrays.js";
export { adoptOptionNames, arrayOptionNames, filledArrayOptionNames } from "./contract/compute-backend.js";
export { recordOptionNames, replayOptionNames } from "./contract/sequence.js";
export { atCaller, type OwnFunction } from "./errors/at-caller.js";
export { diagnosticAt, linesOf, showDiagnostics } from "./errors/diagnostic.js";
export type { DispatchSize } from "./kernel/dispatch-size.js";
export { checkKernel } from "./kernel/kernel.js";
export { RunClock } from "./ledger/run-clock.js";
export { Caller, RunLedger } from "./ledger/run-ledger.js";
export { type SubmissionTrace, type TraceRecorder, traced } from "./ledger/trace-recorder.js";
export { checkResultArrays } from "./plan/check-binding.js";
export { checkBorrowed } from "./plan/check-borrowed.js";
export { exceededLimit } from "./plan/check-limits.js";
export { mayWrite } from "./plan/may-write.js";
export { type BufferPlace, type GridPlace, layOutPipeline, type PipelineLayout } from "./plan/pipeline-layout.js";
export { planRun } from "./plan/plan-run.js";
export {
  type PlannedSequence,
  planSequence,
  type RecordedParameters,
  recordedParameters,
  withParameters,
} from "./plan/plan-sequence.js";
export { Planner } from "./plan/planner.js";
export { type RecordedRun, recordRuns, replayed } from "./plan/record-runs.js";
export type { PlannedDispatch, PlannedResource, PlannedResult, ProgramVariant, RunPlan } from "./plan/run-plan.js";
export { type TakenRun, takeRun } from "./plan/take-run.js";
export {
  checkProfileName,
  collectResults,
  emptyResults,
  type ResultMemory,
  withProfile,
} from "./results/collect-results.js";
export { MemoryLease } from "./results/memory-lease.js";
export { checkArrayType } from "./shader/array-types.js";
export {
  type ArrayLayout,
  type BindingInfo,
  fitsImmediates,
  minByteLengthOf,
  runtimeArrayOf,
  type ScalarType,
  type ShaderInterface,
  type StructLayout,
  type TypeLayout,
  typeName,
} from "./shader/shader-interface.js";
