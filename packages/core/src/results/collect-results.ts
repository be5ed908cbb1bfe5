import type { Bindings, Lease, TypedArray, TypedArrayConstructor } from "../bindings/bindings.js";
import { bytesOf } from "../bindings/bytes-of.js";
import { withArticle } from "../bindings/describe-value.js";
import { isResult, ownValue } from "../bindings/is-role.js";
import type { RunProfile } from "../contract/run-options.js";
import { ComputeError } from "../errors/compute-error.js";
import type { PlannedResult, RunPlan } from "../plan/run-plan.js";
import { MemoryLease } from "./memory-lease.js";

/** Memory made for results ahead of them, by resource. Its bytes may be anything. */
export type ResultMemory = readonly (TypedArray | undefined)[];

/** Where the bytes of a result are: mapped memory, and the offset in it. */
export interface ResultBytes {
  readonly memory: ArrayBuffer;
  readonly offset: number;
}

/**
 * The results of a run. Each is copied from the bytes that `findBytes` finds: into the caller's array if there is one,
 * else into `memory` if there is some, else into a new array. A lease comes from `leaseOf`, in a backend whose mapped
 * memory can be read in place; without `leaseOf` it holds a copy.
 * @throws {ComputeError} `invalid-binding` if a caller's array was transferred or resized since it was bound;
 *   `limit-exceeded` if a kernel has counted more elements than its result can have. Nothing is written or leased then.
 */
export function collectResults(
  plan: RunPlan,
  findBytes: (resource: number) => ResultBytes,
  leaseOf?: (name: string, data: TypedArray) => Lease,
  memory?: ResultMemory,
): Record<string, TypedArray | Lease> {
  const results: Record<string, TypedArray | Lease> = {};
  for (let i = 0; i < plan.resources.length; i += 1) {
    const { name, result } = plan.resources[i]!;
    if (!result) continue;
    if (result.into) checkStillFits(name, result, result.into);
    if (result.countedBy !== undefined) countOf(plan, name, result, findBytes);
    if (result.isReport) checkReport(plan, findBytes(i));
  }
  for (let i = 0; i < plan.resources.length; i += 1) {
    const { name, result } = plan.resources[i]!;
    if (!result || result.isReport) continue;
    const counted = result.countedBy === undefined ? result : countedResult(plan, name, result, findBytes);
    setOwn(results, name, resultOf(name, counted, i, findBytes, leaseOf, memory?.[i]));
  }
  return results;
}

function resultOf(
  name: string,
  { type, length, into, isLeased }: PlannedResult,
  resource: number,
  findBytes: (resource: number) => ResultBytes,
  leaseOf: ((name: string, data: TypedArray) => Lease) | undefined,
  allocated: TypedArray | undefined,
): TypedArray | Lease {
  if (isLeased && leaseOf) {
    const { memory, offset } = findBytes(resource);
    return leaseOf(name, new type(memory, offset, length));
  }
  const target = into ?? allocated;
  const data = length === 0 ? (target ?? new type(0)) : copyOf(type, length, target, findBytes(resource));
  return isLeased ? new MemoryLease(name, data) : data;
}

/** The result as long as its kernel has counted. */
function countedResult(
  plan: RunPlan,
  name: string,
  result: PlannedResult,
  findBytes: (resource: number) => ResultBytes,
): PlannedResult {
  const length = countOf(plan, name, result, findBytes);
  const { into } = result;
  if (!into || length === into.length) return { ...result, length };
  // Every typed array has it.
  const start = (into as Uint32Array).subarray(0, length);
  return { ...result, length, into: start };
}

/** @throws {ComputeError} `limit-exceeded`. */
function countOf(
  { label, bound }: RunPlan,
  name: string,
  { type, length, countedBy }: PlannedResult,
  findBytes: (resource: number) => ResultBytes,
): number {
  if (length === 0) return 0;
  const counter = bound.get(countedBy!)!;
  const { memory, offset } = findBytes(counter);
  const count = new Uint32Array(memory, offset, 1)[0]!;
  if (count <= length) return count;
  throw new ComputeError(
    "limit-exceeded",
    `The result "${name}" of "${label}" can have ${length} elements, and its "${countedBy}" counts ${count}. Give it ` +
      `room: output(${type.name}, ${count}, { length: "${countedBy}" }).`,
  );
}

/** @throws {ComputeError} `limit-exceeded` if the GPU has read a size that it does not run. */
function checkReport({ label }: RunPlan, { memory, offset }: ResultBytes): void {
  const [most, ...groups] = new Uint32Array(memory, offset, 4);
  if (most === 0) return;
  throw new ComputeError(
    "limit-exceeded",
    `"${label}" is asked on the GPU to run [${groups.join(", ")}] workgroups; this device runs at most ${most} in a ` +
      "dimension, so it has run none of them.",
  );
}

function checkStillFits(name: string, { type, length }: PlannedResult, { length: now }: TypedArray): void {
  if (now === length) return;
  throw new ComputeError(
    "invalid-binding",
    `The result "${name}" goes into ${withArticle(type.name)} of ${length} elements, and now it has ${now}; ` +
      "`into` is borrowed until the run settles.",
  );
}

/** Assigns, also to the name "__proto__". */
function setOwn<T>(target: Record<string, T>, name: string, value: T): void {
  if (name !== "__proto__") target[name] = value;
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

function copyOf(
  type: TypedArrayConstructor,
  length: number,
  target: TypedArray | undefined,
  { memory, offset }: ResultBytes,
): TypedArray {
  const byteLength = length * type.BYTES_PER_ELEMENT;
  if (!target) return new type(memory.slice(offset, offset + byteLength));
  bytesOf(target).set(new Uint8Array(memory, offset, byteLength));
  return target;
}

/** The results of an empty plan. */
export function emptyResults(plan: RunPlan): Record<string, TypedArray | Lease> {
  return collectResults(plan, () => {
    throw new Error("Unreachable: an empty plan has results of length 0 alone.");
  });
}

/** @throws {ComputeError} `invalid-binding` if a result has the name that a profiled run needs for its profile. */
export function checkProfileName(subject: string, bindings: Bindings): void {
  const value = ownValue(bindings, "profile");
  if (value === undefined || !isResult(value)) return;
  throw new ComputeError("invalid-binding", `${subject} has a result named "profile"; a profiled run needs that name.`);
}

export function withProfile<R extends object>(results: R, profile: RunProfile): R & { profile: RunProfile } {
  return { ...results, profile };
}
