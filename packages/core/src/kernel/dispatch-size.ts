import type { ResidentArray } from "../bindings/bindings.js";
import { describeEach } from "../bindings/describe-value.js";
import { Refusal } from "../errors/refusal.js";

/**
 * Threads in x, y and z; a number is `[n, 1, 1]`. Rounded up to whole workgroups, so a kernel checks its own bounds.
 */
export type Threads = number | readonly [x: number, y?: number, z?: number];

/** Workgroups in x, y and z; a number is `[n, 1, 1]`. */
export type Workgroups = number | readonly [x: number, y?: number, z?: number];

/** How many threads or workgroups to run; one of the two. */
export interface DispatchSize {
  readonly threads?: Threads;
  readonly workgroups?: Workgroups;
}

/** One to three elements of a resident array, for x, y and z; those that are not there count as 1. */
export interface IndirectRange {
  readonly indirect: ResidentArray<Uint32Array>;
  /**
   * The first of the elements.
   * @default 0
   */
  readonly offset?: number;
  /**
   * How many elements.
   * @default 1
   */
  readonly dimensions?: 1 | 2 | 3;
}

/** A size that the GPU reads when the run's turn has come. An array of its own must have one to three elements. */
export type IndirectSize = ResidentArray<Uint32Array> | IndirectRange;

/** Workgroups in x, y and z. */
export type Grid = readonly [x: number, y: number, z: number];

/** @throws {ComputeError} `code` if `size` is not a size. */
export function checkedGrid(
  word: "threads" | "workgroups",
  size: Threads | Workgroups,
  code: "invalid-kernel" | "invalid-option" = "invalid-kernel",
): Grid {
  const given: readonly unknown[] = Array.isArray(size) ? size : [size];
  const [x, y = 1, z = 1] = given as readonly number[];
  const grid: Grid = [x!, y, z];
  if (given.length > 3 || !grid.every((count) => Number.isSafeInteger(count) && count >= 0)) {
    throw new Refusal(
      code,
      `: "${word}" must be one to three whole numbers, each 0 or more; got ${describeEach(given)}.`,
    );
  }
  return grid;
}
