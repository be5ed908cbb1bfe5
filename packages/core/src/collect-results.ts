import { isResult, ownValue } from "./binding-role.js";
import type { Bindings, Lease, TypedArray, TypedArrayConstructor } from "./bindings.js";
import { ComputeError } from "./errors.js";
import { MemoryLease } from "./memory-lease.js";
import type { RunProfile } from "./run-options.js";
import type { RunPlan } from "./run-plan.js";

/** Where the bytes of a result stand: mapped memory, and the offset in it. */
export interface ResultBytes {
  readonly memory: ArrayBuffer;
  readonly offset: number;
}

/**
 * The results of a run: copied out of the bytes that `bytesOf` finds, into the caller's array where there is one; a lease is given by
 * `leaseOf`, for a backend whose mapped memory may be read in place, and otherwise holds a copy.
 */
export function collectResults(
  plan: RunPlan,
  bytesOf: (resource: number) => ResultBytes,
  leaseOf?: (name: string, data: TypedArray) => Lease,
): Record<string, TypedArray | Lease> {
  const results: [name: string, result: TypedArray | Lease][] = [];
  for (let i = 0; i < plan.resources.length; i += 1) {
    const { name, result } = plan.resources[i]!;
    if (!result) continue;
    const { type, length, into, isLeased } = result;
    if (isLeased && leaseOf) {
      const { memory, offset } = bytesOf(i);
      results.push([name, leaseOf(name, new type(memory, offset, length))]);
      continue;
    }
    const data = copyOf(type, length, into, () => bytesOf(i));
    results.push([name, isLeased ? new MemoryLease(name, data) : data]);
  }
  // Not by assignment, which a result named "__proto__" would not survive.
  return Object.fromEntries(results);
}

function copyOf(
  type: TypedArrayConstructor,
  length: number,
  into: TypedArray | undefined,
  bytes: () => ResultBytes,
): TypedArray {
  if (length === 0) return into ?? new type(0);
  const { memory, offset } = bytes();
  const byteLength = length * type.BYTES_PER_ELEMENT;
  if (!into) return new type(memory.slice(offset, offset + byteLength));
  new Uint8Array(into.buffer, into.byteOffset, byteLength).set(new Uint8Array(memory, offset, byteLength));
  return into;
}

/** The results of a plan that is empty. */
export function emptyResults(plan: RunPlan): Record<string, TypedArray | Lease> {
  return collectResults(plan, () => {
    throw new Error("Unreachable: an empty plan has results of length 0 alone.");
  });
}

/** @throws {ComputeError} `invalid-binding` when a result would have the name that a profiled run needs for its profile. */
export function checkProfileName(label: string, bindings: Bindings): void {
  const value = ownValue(bindings, "profile");
  if (value === undefined || !isResult(value)) return;
  throw new ComputeError(
    "invalid-binding",
    `Kernel "${label}" has a result named "profile"; a profiled run needs that name.`,
  );
}

export function withProfile<R extends object>(results: R, profile: RunProfile): R & { profile: RunProfile } {
  return { ...results, profile };
}
