import { ComputeError } from "../errors/compute-error.js";
import { roleOf } from "./binding-role.js";
import { adviseArray, describeValue } from "./describe-value.js";

/**
 * Copies the bindings of a call: the object and the plain values in it, so that the caller may change them as soon as
 * the call returns. Typed arrays are not copied; their elements are borrowed. Objects that Kiln makes (`output(…)`,
 * handles) cannot change.
 * @param subject Begins the sentence of an error.
 * @throws {ComputeError} `invalid-binding` if `bindings` is not an object.
 */
export function takeBindings<B extends object>(subject: string, bindings: B): B {
  const isObject = typeof bindings === "object" && bindings !== null && !ArrayBuffer.isView(bindings);
  if (!isObject || Array.isArray(bindings) || bindings instanceof Promise) {
    const advice = Array.isArray(bindings) ? "" : adviseArray(bindings);
    throw new ComputeError(
      "invalid-binding",
      `${subject} takes an object of bindings by name; got ${describeValue(bindings)}.${advice}`,
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
 * Copies a plain value, however deep; returns anything else as it is.
 * @param copies The copies made so far, by their originals: an object may occur twice, or within itself.
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

/** Whether `value` is an array or a plain object. A `Map` or a promise is not copied, so that an error can name it. */
function isPlain(value: object): boolean {
  if (ArrayBuffer.isView(value) || roleOf(value) !== undefined) return false;
  return Array.isArray(value) || Object.prototype.toString.call(value) === "[object Object]";
}
