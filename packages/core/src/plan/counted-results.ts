/** Results whose length the kernel counts: `output(Type, length, { length: "count" })`. */
import { describeValue } from "../bindings/describe-value.js";
import { isSameType } from "../bindings/typed-arrays.js";
import { Refusal } from "../errors/refusal.js";
import type { PlannedResource } from "./run-plan.js";

/**
 * Checks that what counts a result is a result itself, so that it is read back with it.
 * @throws {ComputeError} `invalid-binding`.
 */
export function checkCounts(resources: readonly PlannedResource[], bound: ReadonlyMap<string, number>): void {
  for (const { name, result } of resources) {
    const countedBy = result?.countedBy;
    if (countedBy === undefined) continue;
    const counter = resources[bound.get(countedBy) ?? -1]?.result;
    if (counter && counter.length > 0 && isSameType(counter.type, Uint32Array)) continue;
    const given = bound.has(countedBy) ? (counter ? `a ${counter.type.name}` : "no result") : "not bound";
    throw new Refusal(
      "invalid-binding",
      `counts the elements of "${name}" by ${describeValue(countedBy)}, which must be a result of its own, such as ` +
        `\`output(Uint32Array, 1)\`; it is ${given}.`,
    );
  }
}
