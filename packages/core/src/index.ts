export { type BindingRole, bindingRole, roleOf } from "./bindings/binding-role.js";
export {
  type Accepted,
  type ArrayRange,
  type Bindings,
  type BindingValue,
  type ByteArray,
  type Bytes,
  bytes,
  type Inout,
  type InoutBytes,
  inout,
  type Lease,
  type LeasedOutput,
  lease,
  type NoOthers,
  type Output,
  output,
  type ResidentArray,
  type ResultOptions,
  type Results,
  type Staged,
  type Temporary,
  type TypedArray,
  type TypedArrayConstructor,
  temporary,
  type UniformValue,
} from "./bindings/bindings.js";
export { describeValue, withArticle } from "./bindings/describe-value.js";
export { takeBindings } from "./bindings/take-bindings.js";
export { arrayTypeOf, checkAttached, isSameType } from "./bindings/typed-arrays.js";
export type {
  ArrayOptions,
  BackendStats,
  CacheCounters,
  ComputeBackend,
  DeviceCounters,
  DeviceEvents,
  DeviceInfo,
  DeviceLimits,
  DeviceLost,
  DeviceRecovered,
  FilledArrayOptions,
  KeepsArrays,
  MemoryCounters,
  PipelineCounters,
  RecordsSequences,
  RecoversDevice,
  ResourceCounters,
  StagesMemory,
  StoreCounters,
  TunedCandidate,
  TunesKernels,
  TuningReport,
} from "./contract/compute-backend.js";
export type { PrepareOptions, RunOptions, RunProfile, RunResults } from "./contract/run-options.js";
export type {
  Parameters,
  Recordable,
  RecordOptions,
  RecordRun,
  Reference,
  References,
  ReplayOptions,
  ReplayValues,
  Sequence,
} from "./contract/sequence.js";
export type {
  DeviceChange,
  PhaseSpan,
  RunPhase,
  SubmissionSpan,
  TimeSpan,
  TracedError,
  TraceEvent,
  Tracer,
  WorkSpan,
} from "./contract/tracer.js";
export type { Manifest, WarmsUp, WarmUpReport } from "./contract/warm-up.js";
export { ComputeError, type ComputeErrorCode, isComputeError } from "./errors/compute-error.js";
export { type Diagnostic, diagnosticAt, linesOf, showDiagnostics } from "./errors/diagnostic.js";
export type { DispatchSize, Threads, Workgroups } from "./kernel/dispatch-size.js";
export {
  type BoundBy,
  type Constants,
  checkKernel,
  defineKernel,
  type Kernel,
  type KernelDefinition,
  type Pass,
  type PassesDefinition,
  type Program,
  type ShaderSource,
  type Tunable,
  type WgslKernelDefinition,
} from "./kernel/kernel.js";
export { RunClock } from "./ledger/run-clock.js";
export { Caller, RunLedger } from "./ledger/run-ledger.js";
export { type SubmissionTrace, type TraceRecorder, traced } from "./ledger/trace-recorder.js";
export { checkBorrowed } from "./plan/check-borrowed.js";
export { mayWrite } from "./plan/may-write.js";
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
export { checkProfileName, collectResults, emptyResults, withProfile } from "./results/collect-results.js";
export { MemoryLease } from "./results/memory-lease.js";
export { allocateResults, type ResultMemory } from "./results/result-memory.js";
export { checkArrayType } from "./shader/array-types.js";
export {
  type ArrayLayout,
  type BindingInfo,
  fitsImmediates,
  minByteLengthOf,
  type ScalarType,
  type ShaderInterface,
  type StructLayout,
  type TypeLayout,
} from "./shader/shader-interface.js";
export type { Float16Elements, ReadWrite } from "./wgsl-types/host-type.js";
export type { WgslBindings } from "./wgsl-types/wgsl-bindings.js";
