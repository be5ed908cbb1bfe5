import { roleOf } from "./binding-role.js";
import type { Bindings } from "./bindings.js";
import { callOwn } from "./call-own.js";
import { describe } from "./describe.js";
import type { DispatchSize, Threads, Workgroups } from "./dispatch-size.js";
import { ComputeError } from "./errors.js";
import { checkKernel, type Kernel } from "./kernel.js";
import type { RunOptions } from "./run-options.js";

/**
 * Takes what a call reads of its bindings: the object itself and the plain values in it are copied, so the caller may change them as soon as the call
 * has returned. Typed arrays stay the caller's, whose elements are borrowed; what Kiln makes (`output(…)`, handles) cannot change.
 * @param subject What errors call the run, at the start of a sentence.
 * @throws {ComputeError} `invalid-binding` where `bindings` is not an object.
 */
export function takeBindings<B extends object>(subject: string, bindings: B): B {
  if (typeof bindings !== "object" || bindings === null || ArrayBuffer.isView(bindings)) {
    throw new ComputeError(
      "invalid-binding",
      `${subject} takes an object of its bindings, by their names; got ${describe(bindings)}.`,
    );
  }
  const taken = { ...bindings } as Record<string, unknown>;
  for (const name in taken) {
    const value = taken[name];
    if (typeof value === "object" && value !== null) taken[name] = copyOf(value);
  }
  return taken as B;
}

/**
 * A copy of a plain value, however deep; of everything else, the same object.
 * @param copies Made so far, by what they are copies of: an object may occur twice, or in itself.
 */
function copyOf(value: object, copies?: Map<object, object>): object {
  if (!isPlain(value)) return value;
  const known = copies?.get(value);
  if (known) return known;
  const copy = (Array.isArray(value) ? value.slice() : { ...value }) as Record<string, unknown>;
  let all = copies;
  for (const key in copy) {
    const inner = copy[key];
    if (typeof inner !== "object" || inner === null) continue;
    if (all === undefined) all = new Map();
    all.set(value, copy);
    copy[key] = copyOf(inner, all);
  }
  return copy;
}

/** Lists, and objects of members. A `Map` or a promise is no value; an error about it names what was given. */
function isPlain(value: object): boolean {
  if (ArrayBuffer.isView(value) || roleOf(value) !== undefined) return false;
  return Array.isArray(value) || Object.prototype.toString.call(value) === "[object Object]";
}

/** What a call of `run` asks for, as it was when it was asked for. */
export interface TakenRun {
  readonly kernel: Kernel;
  readonly bindings: Bindings;
  readonly size: DispatchSize;
  readonly options: RunOptions;
}

/**
 * Takes a call of `run`; nothing of it is read again later but the elements of its typed arrays.
 * @throws {ComputeError} `invalid-kernel` for anything but a kernel; `invalid-binding` for bindings that are not an object; `invalid-option`.
 */
export function takeRun(kernel: Kernel, bindings: unknown, options: RunOptions): TakenRun {
  checkKernel(kernel);
  const subject = `Kernel "${kernel.label}"`;
  const taken = takeBindings(subject, bindings as Bindings);
  const { workgroups, threads } = options;
  if (workgroups === undefined && threads === undefined) {
    return { kernel, bindings: taken, size: noSize, options: { ...options } };
  }
  const size: DispatchSize = {
    ...(workgroups !== undefined && { workgroups: sizeOf(workgroups) }),
    ...(threads !== undefined && {
      threads: sizeOf(
        typeof threads === "function" ? callOwn(subject, "threads", "invalid-option", () => threads(taken)) : threads,
      ),
    }),
  };
  return { kernel, bindings: taken, size, options: { ...options } };
}

const noSize: DispatchSize = Object.freeze({});

function sizeOf<S extends Threads | Workgroups>(size: S): S {
  return (Array.isArray(size) ? [...size] : size) as S;
}
