import type { RunProfile } from "./backend.js";
import type { TypedArray } from "./bindings.js";
import { ComputeError } from "./errors.js";
import type { RunPlan } from "./plan-run.js";

/**
 * The results of a run, each copied out of the bytes that `bytesOf` finds for its resource, into the caller's array where there is one.
 * @param bytesOf Mapped memory and the offset in it where the resource begins.
 */
export function collectResults(
  plan: RunPlan,
  bytesOf: (resource: number) => { readonly memory: ArrayBuffer; readonly offset: number },
): Record<string, TypedArray> {
  const results: Record<string, TypedArray> = {};
  for (let i = 0; i < plan.resources.length; i += 1) {
    const { name, result } = plan.resources[i]!;
    if (!result) continue;
    const { type, length, into } = result;
    if (length === 0) {
      results[name] = into ?? new type(0);
      continue;
    }
    const { memory, offset } = bytesOf(i);
    const byteLength = length * type.BYTES_PER_ELEMENT;
    if (into) new Uint8Array(into.buffer, into.byteOffset, byteLength).set(new Uint8Array(memory, offset, byteLength));
    results[name] = into ?? new type(memory.slice(offset, offset + byteLength));
  }
  return results;
}

/** The results of a plan that is empty. */
export function emptyResults(plan: RunPlan): Record<string, TypedArray> {
  return collectResults(plan, () => {
    throw new Error("Unreachable: an empty plan has results of length 0 alone.");
  });
}

/** @throws {ComputeError} `invalid-binding` when a binding takes the name that the profile has in the results. */
export function withProfile<R extends object>(
  label: string,
  results: R,
  profile: RunProfile,
): R & { profile: RunProfile } {
  if ("profile" in results) {
    throw new ComputeError(
      "invalid-binding",
      `Kernel "${label}" has a result named "profile"; a profiled run needs that name.`,
    );
  }
  return { ...results, profile };
}
