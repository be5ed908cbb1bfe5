/** Takes down the runs of a sequence as its `build` asks for them. Nothing here touches a device. */

import { bindingRole, roleOf } from "../bindings/binding-role.js";
import {
  type Bindings,
  type BindingValue,
  type Bytes,
  bytes,
  type Output,
  output,
  type Temporary,
  type TypedArray,
} from "../bindings/bindings.js";
import { bytesOf } from "../bindings/bytes-of.js";
import { describeValue } from "../bindings/describe-value.js";
import { ownValue } from "../bindings/is-role.js";
import { arrayTypeOf } from "../bindings/typed-arrays.js";
import type { RunOptions } from "../contract/run-options.js";
import {
  type Parameters,
  type RecordRun,
  type Reference,
  type References,
  recordRunOptionNames,
} from "../contract/sequence.js";
import { atCaller } from "../errors/at-caller.js";
import { callOwn } from "../errors/call-own.js";
import { ComputeError } from "../errors/compute-error.js";
import { named, Refusal } from "../errors/refusal.js";
import type { DispatchSize } from "../kernel/dispatch-size.js";
import { indirectReport } from "../kernel/indirect-kernel.js";
import type { Kernel } from "../kernel/kernel.js";
import { takeRun } from "./take-run.js";

/** One run of a recording. */
export interface RecordedRun {
  readonly kernel: Kernel;
  /** The parameters that the run binds, by the kernel's names. */
  readonly references: { readonly [name: string]: Reference };
  /** What the run is planned with; the values of parameters stand in for them. */
  readonly bindings: Bindings;
  readonly size: DispatchSize;
}

/**
 * Takes down the runs that `build` asks for. What they bind is copied at once, including the elements of typed arrays:
 * a recording outlives its call.
 * @throws {ComputeError} `invalid-option` if there are none, or `build` throws or is asynchronous; `invalid-binding` if
 *   a result is not a parameter, or a parameter is on the device.
 */
export function recordRuns<P extends Parameters>(
  label: string,
  parameters: P,
  build: (run: RecordRun, references: References<P>) => void,
): RecordedRun[] {
  const subject = `Sequence "${label}"`;
  return named(subject, () => recorded(subject, parameters, build));
}

function recorded<P extends Parameters>(
  subject: string,
  parameters: P,
  build: (run: RecordRun, references: References<P>) => void,
): RecordedRun[] {
  const runs: RecordedRun[] = [];
  let isOpen = true;
  const names = Object.keys(parameters);
  for (const name of names) checkParameter(name, parameters[name]);
  const references = Object.fromEntries(
    names.map((name) => [name, Object.freeze({ [bindingRole]: "reference", name, value: parameters[name] })]),
  ) as unknown as References<P>;
  const known = new Set<unknown>(Object.values(references));
  const seen = new Set<object>();
  const copies = new DataCopies();
  const record: RecordRun = (given, givenBindings, options) => {
    if (!isOpen) throw new Refusal("invalid-option", "is already recorded; record another.");
    const { kernel, bindings, size } = takeRun(
      given as unknown as Kernel,
      givenBindings,
      options as RunOptions,
      recordRunOptionNames,
    );
    const bound: Record<string, Reference> = {};
    const planned: Record<string, BindingValue> = {};
    for (const [name, value] of Object.entries(bindings as Record<string, Reference | BindingValue>)) {
      const role = roleOf(value);
      if (role === "reference") {
        if (!known.has(value)) throw refused(kernel.label, `a parameter of another sequence as "${name}"`);
        bound[name] = value as Reference;
        planned[name] = standInOf((value as Reference).value as Parameters[string]);
        continue;
      }
      if (value === indirectReport) {
        planned[name] = value;
        continue;
      }
      if (role === "output" || role === "inout" || role === "lease" || role === "staged") {
        const given = `${describeValue(value)} as "${name}"`;
        throw refused(kernel.label, given, "make it a parameter and bind its reference");
      }
      const inner = referenceWithin(value, seen);
      if (inner) {
        const given = `the reference of its parameter "${inner.name}" as "${name}${inner.path}", within "${name}"`;
        throw refused(kernel.label, given, `a parameter is a whole binding: make all of "${name}" one`);
      }
      planned[name] = copies.of(value as BindingValue);
    }
    runs.push({ kernel, references: bound, bindings: planned, size });
  };
  const run: RecordRun = (...call) => {
    try {
      named(subject, () => record(...call));
    } catch (error) {
      throw atCaller(error, run);
    }
  };
  try {
    callOwn("build", "invalid-option", () => build(run, references));
  } finally {
    isOpen = false;
  }
  if (runs.length === 0) throw new Refusal("invalid-option", "records no runs.");
  for (const name of names) {
    if (runs.some((run) => Object.values(run.references).some((reference) => reference.name === name))) continue;
    throw new Refusal("invalid-option", `has a parameter "${name}" that no run binds.`);
  }
  return runs;
}

/** Copies of the arrays that runs bind directly: one for each array, as long as its elements do not change. */
class DataCopies {
  readonly #copies = new Map<unknown, TypedArray>();

  of(value: BindingValue): BindingValue {
    if (roleOf(value) === "bytes") return bytes(this.#copyOf((value as Bytes).data));
    const isArray = ArrayBuffer.isView(value) && "length" in value;
    return isArray ? this.#copyOf(value as TypedArray) : value;
  }

  #copyOf(data: TypedArray): TypedArray {
    const known = this.#copies.get(data);
    if (known && hasSameBytes(known, data)) return known;
    const copy = new (arrayTypeOf(data) as unknown as new (elements: TypedArray) => TypedArray)(data);
    this.#copies.set(data, copy);
    return copy;
  }
}

function hasSameBytes(a: TypedArray, b: TypedArray): boolean {
  if (a.byteLength !== b.byteLength) return false;
  // Not by elements: NaN is unequal to itself, and -0 equal to 0.
  const one = bytesOf(a);
  const other = bytesOf(b);
  return one.every((byte, i) => byte === other[i]);
}

/** Refuses a parameter that no replay could replace. */
function checkParameter(name: string, value: unknown): void {
  const role = roleOf(value);
  const advice =
    role === "staged"
      ? "record it with an array, and give staged memory to `replay`"
      : role === "resident" && "bind the array itself in the recorded runs";
  if (!advice) return;
  throw new Refusal("invalid-binding", `has ${describeValue(value)} as its parameter "${name}"; ${advice}.`);
}

function refused(kernel: string, given: string, advice = "bind one of its own"): Refusal {
  return new Refusal("invalid-binding", `binds ${given} of kernel "${kernel}"; ${advice}.`);
}

/** The reference among the members of a uniform's value, and its path; `seen` are values without one. */
function referenceWithin(
  value: unknown,
  seen: Set<object>,
): { readonly name: string; readonly path: string } | undefined {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || seen.has(value)) return undefined;
  const role = roleOf(value);
  if (role === "reference") return { name: (value as Reference).name, path: "" };
  // A resident array is not a uniform's value.
  if (role !== undefined) return undefined;
  seen.add(value);
  for (const member of Object.keys(value)) {
    const found = referenceWithin((value as { readonly [member: string]: unknown })[member], seen);
    if (found) return { name: found.name, path: `${Array.isArray(value) ? `[${member}]` : `.${member}`}${found.path}` };
  }
  return undefined;
}

/**
 * Memory that runs share is planned as a result: runs read it after others have written it. What counts a result is
 * another parameter, which the run need not bind.
 */
function standInOf(value: Parameters[string]): BindingValue {
  const isCounted = roleOf(value) === "output" && (value as Output).countedBy !== undefined;
  if (roleOf(value) !== "temporary" && !isCounted) return value as BindingValue;
  const { type, length } = value as Temporary | Output;
  return output(type, length);
}

/** The parameters of a replay: the recorded ones, some replaced by `values`. */
export function replayed<P extends Parameters>(
  label: string,
  parameters: P,
  values: { readonly [name: string]: unknown },
): P {
  if (typeof values !== "object" || values === null) {
    throw new ComputeError(
      "invalid-binding",
      `Sequence "${label}" takes an object of parameters by name; got ${describeValue(values)}.`,
    );
  }
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
