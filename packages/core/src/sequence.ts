/**
 * A chain of runs, recorded once and replayed: what is said of it, and how the recording is taken down. Nothing here touches a device.
 */

import { ownValue } from "./binding-role.js";
import type {
  ArrayOf,
  Bindings,
  BindingValue,
  IfAny,
  Inout,
  LeasedOutput,
  Output,
  ResidentArray,
  Staged,
  Temporary,
  TypedArray,
  UniformValue,
} from "./bindings.js";
import { describe } from "./describe.js";
import { ComputeError } from "./errors.js";
import { checkKernel, type Kernel, type Workgroups } from "./kernel.js";
import type { RunOptions, RunResults } from "./run-options.js";

/** What a replay may change, by name: its inputs and uniforms, and what it returns; and memory between its runs. */
export type Parameters = {
  readonly [name: string]: TypedArray | Output | LeasedOutput | Inout | Temporary | UniformValue;
};

/** Stands for a parameter while a sequence is recorded. */
export interface Reference<V = unknown> {
  readonly role: "reference";
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
  options?: Pick<RunOptions, "workgroups">,
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

export type ReplayOptions = Omit<RunOptions, "workgroups">;

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

/** One run of a recording. */
export interface RecordedRun {
  readonly kernel: Kernel;
  /** By the kernel's names: the parameter that is bound there, if one is. */
  readonly references: { readonly [name: string]: Reference };
  /** What the run is planned with: parameters are replaced by what they were recorded with. */
  readonly bindings: Bindings;
  readonly workgroups: Workgroups | undefined;
}

/**
 * Takes down the runs that `build` asks for.
 * @throws {ComputeError} `invalid-option` when there are none, or `build` is asynchronous; `invalid-binding` for a result that is no parameter, or a
 *   parameter that is on the device; what `build` throws.
 */
export function recordRuns<P extends Parameters>(
  label: string,
  parameters: P,
  build: (run: RecordRun, references: References<P>) => void,
): RecordedRun[] {
  const runs: RecordedRun[] = [];
  let isOpen = true;
  const names = Object.keys(parameters);
  for (const name of names) checkParameter(label, name, parameters[name]);
  const references = Object.fromEntries(
    names.map((name) => [name, Object.freeze({ role: "reference", name, value: parameters[name] })]),
  ) as unknown as References<P>;
  const known = new Set<unknown>(Object.values(references));
  const seen = new Set<object>();
  const record: RecordRun = (kernel, bindings, { workgroups } = {}) => {
    if (!isOpen) throw new ComputeError("invalid-option", `Sequence "${label}" is recorded already; record another.`);
    checkKernel(kernel);
    const bound: Record<string, Reference> = {};
    const planned: Record<string, BindingValue> = {};
    for (const [name, value] of Object.entries(bindings as Record<string, Reference | BindingValue>)) {
      const role = (value as { role?: unknown } | null)?.role;
      if (role === "reference") {
        if (!known.has(value)) throw refused(label, kernel.label, `a parameter of another sequence as "${name}"`);
        bound[name] = value as Reference;
        planned[name] = standInOf((value as Reference).value as Parameters[string]);
        continue;
      }
      if (role === "output" || role === "inout" || role === "lease" || role === "staged") {
        const given = `${describe(value)} as "${name}"`;
        throw refused(label, kernel.label, given, "name it among the parameters and bind that");
      }
      const inner = referenceWithin(value, seen);
      if (inner) {
        const given = `the reference of its parameter "${inner.name}" as "${name}${inner.path}", within "${name}"`;
        throw refused(label, kernel.label, given, "parameters are whole bindings: name the whole of it among them");
      }
      planned[name] = value as BindingValue;
    }
    runs.push({ kernel: kernel as unknown as Kernel, references: bound, bindings: planned, workgroups });
  };
  const returned: unknown = build(record, references);
  isOpen = false;
  if (isThenable(returned)) {
    // What comes of it is nobody's any more, its rejection included.
    Promise.resolve(returned).catch(() => undefined);
    throw new ComputeError(
      "invalid-option",
      `Sequence "${label}" is recorded by a function that returns a promise; record all runs before it returns, without \`async\`.`,
    );
  }
  if (runs.length === 0) throw new ComputeError("invalid-option", `Sequence "${label}" records no run.`);
  for (const name of names) {
    if (runs.some((run) => Object.values(run.references).some((reference) => reference.name === name))) continue;
    throw new ComputeError("invalid-option", `Sequence "${label}" has a parameter "${name}" that no run binds.`);
  }
  return runs;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === "function";
}

/** What a replay could not bring another of. */
function checkParameter(label: string, name: string, value: unknown): void {
  const role = (value as { role?: unknown } | null | undefined)?.role;
  const advice =
    role === "staged"
      ? "record it with an array, and bring staged memory as it is replayed"
      : role === "resident" && "bind the array itself, where the runs are recorded";
  if (!advice) return;
  throw new ComputeError(
    "invalid-binding",
    `Sequence "${label}" has ${describe(value)} as its parameter "${name}"; ${advice}.`,
  );
}

function refused(label: string, kernel: string, given: string, advice = "bind one of its own"): ComputeError {
  return new ComputeError("invalid-binding", `Sequence "${label}" binds ${given} of kernel "${kernel}"; ${advice}.`);
}

/** The reference that stands in the members of a uniform's value, and where; `seen` are values with none. */
function referenceWithin(
  value: unknown,
  seen: Set<object>,
): { readonly name: string; readonly path: string } | undefined {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || seen.has(value)) return undefined;
  const { role, name } = value as Partial<Reference>;
  if (role === "reference") return { name: name!, path: "" };
  // A resident array is no uniform.
  if (role !== undefined) return undefined;
  seen.add(value);
  for (const member of Object.keys(value)) {
    const found = referenceWithin((value as { readonly [member: string]: unknown })[member], seen);
    if (found) return { name: found.name, path: `${Array.isArray(value) ? `[${member}]` : `.${member}`}${found.path}` };
  }
  return undefined;
}

/** Memory between runs is planned as if it were returned; a parameter that is read after it was written is one too. */
function standInOf(value: Parameters[string]): BindingValue {
  const { role, type, length } = (value ?? {}) as Partial<Temporary>;
  return role === "temporary" ? { role: "output", type: type!, length: length! } : (value as BindingValue);
}

/** The parameters of a replay: those recorded, with those given in place of theirs. */
export function replayed<P extends Parameters>(
  label: string,
  parameters: P,
  values: { readonly [name: string]: unknown },
): P {
  for (const name of Object.keys(values)) {
    if (ownValue(parameters as Parameters, name) !== undefined) continue;
    const names = Object.keys(parameters).map((known) => `"${known}"`);
    throw new ComputeError(
      "invalid-binding",
      `Sequence "${label}" has no parameter "${name}"; it has ${names.join(", ") || "none"}.`,
    );
  }
  return { ...parameters, ...values };
}
