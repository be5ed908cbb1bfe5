import { ComputeError } from "../errors/compute-error.js";
import { roleOf } from "./binding-role.js";
import { describeValue } from "./describe-value.js";

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
      `${subject} takes an object of its bindings, by their names; got ${describeValue(bindings)}.`,
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
