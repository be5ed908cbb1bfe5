/** A chain of runs that is recorded once and replayed, as its caller sees it. */
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
import type { Kernel } from "../kernel/kernel.js";
import type { RunOptions, RunResults } from "./run-options.js";

/** What a replay may change, by name: its inputs and uniforms, and what it returns; and memory between its runs. */
export type Parameters = {
  readonly [name: string]: TypedArray | Bytes | Output | LeasedOutput | Inout | Temporary | UniformValue;
};

/** Stands for a parameter while a sequence is recorded. */
export interface Reference<V = unknown> {
  readonly [bindingRole]: "reference";
  readonly name: string;
  /** What it was recorded with. */
  readonly value: V;
}

export type References<P extends Parameters> = { readonly [Name in keyof P]: Reference<P[Name]> };

type WrittenParameter<T extends TypedArray> = Reference<Output<T> | LeasedOutput<T> | Inout<T> | Temporary>;

/** What a recorded run may bind where a kernel declares `K`: values that never change, resident arrays, and parameters. */
export type Recordable<K> = {
  readonly [Name in keyof K]: BindingValue extends K[Name]
    ? K[Name] | Reference
    :
        | Exclude<K[Name], Output | Inout>
        | Reference<K[Name]>
        | IfAny<ArrayOf<K[Name]>, ResidentArray<ArrayOf<K[Name]>> | WrittenParameter<ArrayOf<K[Name]>>>;
};

/** Records one run. */
export type RecordRun = <K extends Bindings>(
  kernel: Kernel<K>,
  bindings: Recordable<K>,
  options?: Pick<RunOptions, "workgroups" | "threads">,
) => void;

export interface RecordOptions {
  /** Names the sequence in errors. */
  readonly label?: string;
  readonly signal?: AbortSignal;
}

/** What a replay may bring, by the names of the parameters. */
export type ReplayValues<P> = { readonly [Name in keyof P]?: P[Name] | InputLike<P[Name]> };

/** An array of the same elements as `V`, in whatever memory; of all else, nothing. */
type InputLike<V> = V extends TypedArray & { readonly [Symbol.toStringTag]: infer Tag }
  ? (TypedArray & { readonly [Symbol.toStringTag]: Tag }) | Staged<TypedArray & { readonly [Symbol.toStringTag]: Tag }>
  : never;

export type ReplayOptions = Omit<RunOptions, "workgroups" | "threads">;

/** A recorded chain of runs, with bind groups of its own, and memory that counts to the backend's byte budget until it is disposed. */
export interface Sequence<P extends Parameters = Parameters> extends Disposable {
  readonly label: string;
  /** Dispatches of one replay. */
  readonly dispatches: number;
  /**
   * Runs the chain once more, in one submission of its own.
   * @param values Of the parameters that change, of the same type and length; the others are what they were recorded with, arrays with the
   *   elements that they have now. They are borrowed until this settles. In place of an input array staged memory serves, as in a run, unless it is set
   *   as an immediate.
   * @returns What the parameters that are an `output`, `inout` or `lease` ask for.
   * @throws {ComputeError} What `ComputeBackend.run` throws.
   */
  replay<const O extends ReplayOptions = ReplayOptions>(
    values?: ReplayValues<P>,
    options?: O,
  ): Promise<RunResults<P, O>>;
  /** Frees what it holds once its replays have ended; a second call does nothing. */
  dispose(): void;
}
