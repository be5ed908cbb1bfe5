/**
 * Work for the compute suite, on arrays that stay on the GPU. One submission repeats it, so that it lasts long enough.
 */
import type { RecordRun, ResidentArray } from "@kiln-gpu/core";

export interface Subject {
  readonly name: string;
  /** The work of one run, in floating-point operations or in bytes of device memory. */
  readonly work: number;
  /** The arrays that the runs write. */
  readonly results: readonly ResidentArray<Float32Array>[];
  /** The most runs in one sequence, if they need much memory of their own. */
  readonly maxRepeats?: number;
  /** Records one run. */
  record(run: RecordRun): void;
  /**
   * @param results The contents of these arrays, zeros at first, after `runs` runs one after the other.
   * @throws {Error} that names the first wrong element.
   */
  check(results: readonly Float32Array[], runs: number): void;
}
