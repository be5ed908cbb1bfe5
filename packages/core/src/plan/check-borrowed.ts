import { ComputeError } from "../errors/compute-error.js";
import type { PlannedResource } from "./run-plan.js";

/**
 * Checks that an input is as long as when it was bound: its caller may have transferred or resized it since.
 * @param subjectOf Begins the sentence of an error.
 * @throws {ComputeError} `invalid-binding`.
 */
export function checkBorrowed(
  subjectOf: () => string,
  { name, data, byteLength }: Pick<PlannedResource, "name" | "data" | "byteLength">,
): void {
  if (Math.ceil(data!.byteLength / 4) * 4 === byteLength) return;
  throw new ComputeError(
    "invalid-binding",
    `${subjectOf()} was given "${name}" with ${byteLength} bytes, which are ${data!.byteLength} now; inputs are borrowed until ` +
      "the run settles.",
  );
}
