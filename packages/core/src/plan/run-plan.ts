/** What a run does and needs, checked: everything that a backend has to know about it. */
import type { ResidentArray, Staged, TypedArray, TypedArrayConstructor } from "../bindings/bindings.js";
import type { Grid } from "../kernel/dispatch-size.js";
import type { TypeLayout } from "../shader/shader-interface.js";

/** A piece of GPU memory that a run needs. */
export interface PlannedResource {
  readonly name: string;
  /** The bytes that are bound, a multiple of 4; 0 if no pass binds it. */
  readonly byteLength: number;
  /** What the passes do with it; WebGPU forbids `read` and `read-write` ranges of one buffer in the same dispatch. */
  readonly access: "read" | "read-write" | "mixed";
  /** Its bytes at the start; absent if it starts as zeros. */
  readonly data?: ArrayBufferView | undefined;
  /** Mapped memory with its bytes at the start, in place of `data`. */
  readonly staged?: Staged | undefined;
  /**
   * The array that it is, if it outlives the run. `data` and `result`, if there are any, are then a part of it that
   * begins at byte `start`.
   */
  readonly resident?: ResidentArray | undefined;
  readonly start?: number | undefined;
  /** The type that `data` was packed as, if the caller gave a value and not an array. */
  readonly packedAs?: TypeLayout | undefined;
  /** What is read back from it. */
  readonly result?: PlannedResult | undefined;
  /** Whether `data` is set while dispatches are recorded; it is then the plan's own copy. */
  readonly isImmediate?: boolean | undefined;
}

export interface PlannedResult {
  readonly type: TypedArrayConstructor;
  readonly length: number;
  /** The caller's array that receives it. */
  readonly into?: TypedArray | undefined;
  /** The name of the result, bound in the same plan, whose first element is the length that comes back. */
  readonly countedBy?: string | undefined;
  /** Whether it is no result of the run, but says whether the size that the GPU has read was too large. */
  readonly isReport?: boolean;
  /** Whether it is read in place. */
  readonly isLeased?: boolean;
}

/** How a dispatch runs a program. */
export interface ProgramVariant {
  readonly program: string;
  /** Whether this is a part of a larger grid, run by the program's split variant. */
  readonly split: boolean;
  /** Whether its `var<immediate>` is set; otherwise it has none, or a buffer is bound in its place. */
  readonly immediate: boolean;
}

export interface PlannedDispatch extends ProgramVariant {
  /** The resource whose `data` is set: that of the program's `var<immediate>`, or the grid of a split variant. */
  readonly immediates?: number;
  /** In order of group and binding; `resource` is an index into the plan's resources. */
  readonly entries: readonly { readonly group: number; readonly binding: number; readonly resource: number }[];
  /** Not used if `indirect` is given. */
  readonly workgroups: Grid;
  /** The resource whose first three words are the workgroups, read on the GPU. */
  readonly indirect?: number;
}

export interface RunPlan {
  readonly label: string;
  readonly resources: readonly PlannedResource[];
  /** In order; each sees what the ones before it wrote. */
  readonly dispatches: readonly PlannedDispatch[];
  /** Whether all results are empty; there is then nothing to run and no memory to bind. */
  readonly isEmpty: boolean;
  /** The resource of each of the caller's bindings, by its name. */
  readonly bound: ReadonlyMap<string, number>;
  /**
   * One object for all plans that differ only in the data of their resources; what is derived from a plan can be cached
   * by it.
   */
  readonly shape: object;
}
