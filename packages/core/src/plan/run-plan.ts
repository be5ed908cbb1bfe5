/** What a run does and needs, checked: all that a backend has to know of it. */
import type { ResidentArray, Staged, TypedArray, TypedArrayConstructor } from "../bindings/bindings.js";
import type { Grid } from "../kernel/dispatch-size.js";
import type { TypeLayout } from "../shader/shader-interface.js";

/** A piece of GPU memory that a run needs. */
export interface PlannedResource {
  readonly name: string;
  /** Bytes bound, a multiple of 4; 0 where no pass binds it. */
  readonly byteLength: number;
  /** What the passes do with it; WebGPU forbids `read` and `read-write` ranges of one buffer in the same dispatch. */
  readonly access: "read" | "read-write" | "mixed";
  /** What stands in it at the start; absent where it starts as zeros. */
  readonly data?: ArrayBufferView | undefined;
  /** Mapped memory that stands in it at the start, in place of `data`. */
  readonly staged?: Staged | undefined;
  /** What it is, where it outlives the run: then `data` and `result`, if there are any, are a part of it that begins at byte `start`. */
  readonly resident?: ResidentArray | undefined;
  readonly start?: number | undefined;
  /** The type that `data` was packed as, where the caller gave a value and not an array. */
  readonly packedAs?: TypeLayout | undefined;
  /** What is read back from it. */
  readonly result?: PlannedResult | undefined;
  /** Whether `data` is set while dispatches are recorded: then it is the plan's own. */
  readonly isImmediate?: boolean | undefined;
}

export interface PlannedResult {
  readonly type: TypedArrayConstructor;
  readonly length: number;
  /** The caller's own array for it. */
  readonly into?: TypedArray | undefined;
  /** Whether it is read in place. */
  readonly isLeased?: boolean;
}

/** How a dispatch runs a program. */
export interface ProgramVariant {
  readonly program: string;
  /** Whether this is a part of a larger grid, run by the program's split variant. */
  readonly split: boolean;
  /** Whether its `var<immediate>` is set; otherwise it has none, or binds a buffer in its place. */
  readonly immediate: boolean;
}

export interface PlannedDispatch extends ProgramVariant {
  /** The resource whose `data` is set, where `immediate`. */
  readonly immediates?: number;
  /** In order of group and binding; `resource` is an index into the plan's resources. */
  readonly entries: readonly { readonly group: number; readonly binding: number; readonly resource: number }[];
  readonly workgroups: Grid;
}

export interface RunPlan {
  readonly label: string;
  readonly resources: readonly PlannedResource[];
  /** In order; each sees what the ones before it wrote. */
  readonly dispatches: readonly PlannedDispatch[];
  /** Whether no result has an element: then there is nothing to run, and no memory to bind. */
  readonly isEmpty: boolean;
  /** The resource of each of the caller's bindings, by its name. */
  readonly bound: ReadonlyMap<string, number>;
  /** One object for all plans that differ in nothing but the resources' data; what is derived from a plan may be kept by it. */
  readonly shape: object;
}
