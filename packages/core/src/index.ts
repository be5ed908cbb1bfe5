export { arrayTypeOf, checkArrayType, checkAttached, isSameType } from "./array-types.js";
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
} from "./backend.js";
export { type BindingRole, bindingRole, roleOf } from "./binding-role.js";
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
} from "./bindings.js";
export { checkBorrowed } from "./check-borrowed.js";
export { checkProfileName, collectResults, emptyResults, withProfile } from "./collect-results.js";
export { describe as describeValue, withArticle } from "./describe.js";
export { type Diagnostic, diagnosticAt, linesOf, showDiagnostics } from "./diagnostic.js";
export type { DispatchSize, Threads, Workgroups } from "./dispatch-size.js";
export { ComputeError, type ComputeErrorCode, isComputeError } from "./errors.js";
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
} from "./kernel.js";
export { mayWrite } from "./may-write.js";
export { MemoryLease } from "./memory-lease.js";
export { planRun } from "./plan-run.js";
export {
  type PlannedSequence,
  planSequence,
  type RecordedParameters,
  recordedParameters,
  withParameters,
} from "./plan-sequence.js";
export { Planner } from "./planner.js";
export { allocateResults, type ResultMemory } from "./result-memory.js";
export { type PhaseSpan, RunClock, type RunPhase, type TimeSpan } from "./run-clock.js";
export { Caller, RunLedger } from "./run-ledger.js";
export type { PrepareOptions, RunOptions, RunProfile, RunResults } from "./run-options.js";
export type { PlannedDispatch, PlannedResource, PlannedResult, ProgramVariant, RunPlan } from "./run-plan.js";
export {
  type Parameters,
  type Recordable,
  type RecordedRun,
  type RecordOptions,
  type RecordRun,
  type Reference,
  type References,
  type ReplayOptions,
  type ReplayValues,
  recordRuns,
  replayed,
  type Sequence,
} from "./sequence.js";
export {
  type ArrayLayout,
  type BindingInfo,
  fitsImmediates,
  minByteLengthOf,
  type ScalarType,
  type ShaderInterface,
  type StructLayout,
  type TypeLayout,
} from "./shader-interface.js";
export { type TakenRun, takeBindings, takeRun } from "./take-bindings.js";
export { type SubmissionTrace, type TraceRecorder, traced } from "./trace-recorder.js";
export type { DeviceChange, SubmissionSpan, TracedError, TraceEvent, Tracer, WorkSpan } from "./tracer.js";
export type { Manifest, WarmsUp, WarmUpReport } from "./warm-up.js";
export type { Float16Elements, ReadWrite } from "./wgsl/host-type.js";
export type { WgslBindings } from "./wgsl/wgsl-bindings.js";
