/** A chain of runs that is recorded once and then replayed, as its caller sees it. */
import type { bindingRole } from "../bindings/binding-role.js";
import type {
  ArrayOf,
  Bindings,
  BindingValue,
  Bytes,
  IfAny,
  Inout,
  LeasedOutput,
  Output,
  ResidentArray,
  Staged,
  Temporary,
  TypedArray,
  UniformValue,
} from "../bindings/bindings.js";
import { optionNames } from "../bindings/check-options.js";
import type { Kernel } from "../kernel/kernel.js";
import type { RunOptions, RunResults } from "./run-options.js";

/**
 * The parameters of a sequence, by name: inputs and uniforms that a replay may change, results, and memory that the
 * runs share.
 */
export type Parameters = {
  readonly [name: string]: TypedArray | Bytes | Output | LeasedOutput | Inout | Temporary | UniformValue;
};

/** Stands for a parameter while a sequence is recorded. */
export interface Reference<V = unknown> {
  readonly [bindingRole]: "reference";
  readonly name: string;
  /** The value that the sequence is recorded with. */
  readonly value: V;
}

export type References<P extends Parameters> = { readonly [Name in keyof P]: Reference<P[Name]> };

type WrittenParameter<T extends TypedArray> = Reference<Output<T> | LeasedOutput<T> | Inout<T> | Temporary>;

/**
 * What a recorded run may bind where a kernel declares `K`: values that never change, resident arrays, and parameters.
 */
export type Recordable<K> = {
  readonly [Name in keyof K]: BindingValue extends K[Name]
    ? K[Name] | Reference
    :
        | Exclude<K[Name], Output | Inout>
        | Reference<K[Name]>
        | IfAny<ArrayOf<K[Name]>, ResidentArray<ArrayOf<K[Name]>> | WrittenParameter<ArrayOf<K[Name]>>>;
};

type RecordRunOptions<B = Bindings> = Pick<RunOptions<B>, "workgroups" | "threads">;

export const recordRunOptionNames = /* @__PURE__ */ optionNames<RecordRunOptions>({ workgroups: true, threads: true });

/** Records one run. */
export type RecordRun = <K extends Bindings>(
  kernel: Kernel<K>,
  bindings: Recordable<K>,
  options?: RecordRunOptions<Recordable<K>>,
) => void;

export interface RecordOptions {
  /** Names the sequence in errors. */
  readonly label?: string;
  readonly signal?: AbortSignal;
}

export const recordOptionNames = /* @__PURE__ */ optionNames<RecordOptions>({ label: true, signal: true });

/** What a replay may bring, by the parameters' names. */
export type ReplayValues<P> = { readonly [Name in keyof P]?: P[Name] | InputLike<P[Name]> };

/** An array with the elements of `V`, in any memory; `never` if `V` is not an array. */
type InputLike<V> = V extends TypedArray & { readonly [Symbol.toStringTag]: infer Tag }
  ? (TypedArray & { readonly [Symbol.toStringTag]: Tag }) | Staged<TypedArray & { readonly [Symbol.toStringTag]: Tag }>
  : never;

export type ReplayOptions = Omit<RunOptions, "workgroups" | "threads">;

export const replayOptionNames = /* @__PURE__ */ optionNames<ReplayOptions>({
  signal: true,
  timeoutMs: true,
  profile: true,
});

/**
 * A recorded chain of runs, with its own bind groups and memory. The memory counts towards the backend's byte budget
 * until the sequence is disposed.
 */
export interface Sequence<P extends Parameters = Parameters> extends Disposable {
  readonly label: string;
  /** The number of dispatches in one replay. */
  readonly dispatches: number;
  /**
   * Runs the chain once more, in one submission of its own.
   * @param values New values for parameters, with the type and length they were recorded with; they are borrowed until
   *   this settles. The other parameters keep their recorded values, and recorded arrays are read again, with the
   *   elements they have now. Staged memory may take the place of an input array, as in a run, unless the array is set
   *   as an immediate.
   * @returns One result for each parameter that is an `output`, `inout` or `lease`.
   * @throws {ComputeError} What `ComputeBackend.run` throws.
   */
  replay<const O extends ReplayOptions = ReplayOptions>(
    values?: ReplayValues<P>,
    options?: O,
  ): Promise<RunResults<P, O>>;
  /** Frees what it holds once its replays have ended; a second call does nothing. */
  dispose(): void;
}
