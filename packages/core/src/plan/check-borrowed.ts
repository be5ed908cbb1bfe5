import { roundUpTo4 } from "../bindings/bytes-of.js";
import { ComputeError } from "../errors/compute-error.js";
import type { PlannedResource } from "./run-plan.js";

/**
 * Checks that an input still has the length it was bound with: its owner may have transferred or resized it since.
 * @param subjectOf Begins the sentence of an error.
 * @throws {ComputeError} `invalid-binding`.
 */
export function checkBorrowed(
  subjectOf: () => string,
  { name, data, byteLength }: Pick<PlannedResource, "name" | "data" | "byteLength">,
): void {
  if (roundUpTo4(data!.byteLength) === byteLength) return;
  throw new ComputeError(
    "invalid-binding",
    `${subjectOf()} was given "${name}" with ${byteLength} bytes, and now it has ${data!.byteLength}; ` +
      "inputs are borrowed until the run settles.",
  );
}
