/** What the compute suite times: work on arrays that stay on the GPU, repeated in one submission so that it lasts long enough. */
import type { RecordRun, ResidentArray } from "@kiln-gpu/core";

export interface Subject {
  readonly name: string;
  /** Of one run, in floating-point operations or in bytes of device memory. */
  readonly work: number;
  /** What the runs write. */
  readonly results: readonly ResidentArray<Float32Array>[];
  /** Records one run. */
  record(run: RecordRun): void;
  /**
   * @param results What `runs` runs, one after the other, have made of zeros.
   * @throws {Error} naming the first element that is wrong.
   */
  check(results: readonly Float32Array[], runs: number): void;
}
