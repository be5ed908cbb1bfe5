import { defineKernel, type Kernel, type Output } from "@kiln-gpu/core";
import type { NumberArrays, NumberType } from "./operation.js";
import {
  checkSameLength,
  type MarkDefinition,
  type SelectionNames,
  selectionPasses,
  selectionPrograms,
  selectionTemporaries,
} from "./selection.js";

export type FilterBindings<Type extends NumberType> = {
  readonly values: NumberArrays[Type];
  /** Room for the values that are kept, as many as `values` in the worst case; what is beyond it is left out. */
  readonly kept: Output<NumberArrays[Type]>;
  /** One element: how many values are kept. */
  readonly count: Output<Uint32Array>;
};

export type CompactionBindings<Type extends NumberType> = FilterBindings<Type> & {
  /** One for each value; a value is kept if its flag is not 0. */
  readonly flags: Uint32Array;
};

export type UniqueBindings<Type extends NumberType> = {
  readonly values: NumberArrays[Type];
  /** Room for the values that are kept, as many as `values` in the worst case; what is beyond it is left out. */
  readonly uniques: Output<NumberArrays[Type]>;
  /** One element: how many values are kept. */
  readonly count: Output<Uint32Array>;
};

export interface FilterDefinition<Type extends NumberType> {
  readonly label: string;
  readonly type: Type;
  /** Whether to keep the number `value`, as a WGSL expression: `"value > 0"`. */
  readonly keep: string;
}

/**
 * A kernel that writes the `values` for which `keep` is true, in their order, to the beginning of `kept`. It tests all
 * values, then reads again those that it keeps. Elements of `kept` from `count` on are not written.
 */
export function defineFilter<Type extends NumberType>({
  label,
  type,
  keep,
}: FilterDefinition<Type>): Kernel<FilterBindings<Type>> {
  const names = { tested: "values", values: "values", kept: "kept" };
  return defineSelection(label, type, { type, isMarked: keep }, names) as Kernel<FilterBindings<Type>>;
}

/**
 * A kernel that writes the `values` whose flag is not 0, in their order, to the beginning of `kept`. Elements of `kept`
 * from `count` on are not written.
 */
export function defineCompaction<Type extends NumberType>(label: string, type: Type): Kernel<CompactionBindings<Type>> {
  const names = { tested: "flags", values: "values", kept: "kept" };
  return defineSelection(label, type, { type: "u32", isMarked: "value != 0" }, names) as Kernel<
    CompactionBindings<Type>
  >;
}

/** What a kernel of `defineCompaction` leaves in the first `count` elements of `kept`. */
export function compactionReference<T extends NumberArrays[NumberType]>(values: T, flags: Uint32Array): T {
  return values.filter((_: number, i: number) => flags[i] !== 0) as T;
}

/**
 * A kernel that writes each of `values` that differs from the one before it, in their order, to the beginning of
 * `uniques`: each number once, if the values are sorted. Floats are compared as a `Set` compares them: -0 equals 0, and
 * NaN equals NaN. Elements of `uniques` from `count` on are not written.
 */
export function defineUnique<Type extends NumberType>(label: string, type: Type): Kernel<UniqueBindings<Type>> {
  const names = { tested: "values", values: "values", kept: "uniques" };
  const mark = { type, isMarked: "!isSame(value, previous)", seesPrevious: true };
  return defineSelection(label, type, mark, names) as Kernel<UniqueBindings<Type>>;
}

/** What a kernel of `defineUnique` leaves in the first `count` elements of `uniques`. */
export function uniqueReference<T extends NumberArrays[NumberType]>(values: T): T {
  return values.filter((value: number, i: number) => i === 0 || !isSame(value, values[i - 1]!)) as T;
}

/** As a `Set` compares numbers. */
export function isSame(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}

type SelectionBindings = { readonly [name: string]: NumberArrays[NumberType] | Output<NumberArrays[NumberType]> };

function defineSelection(
  label: string,
  type: NumberType,
  mark: MarkDefinition,
  names: SelectionNames,
): Kernel<SelectionBindings> {
  const { tested, values } = names;
  return defineKernel<SelectionBindings>({
    label,
    programs: selectionPrograms(mark, type),
    temporaries: (bindings) => selectionTemporaries(bindings[values]!.length),
    passes(bindings) {
      checkSameLength(label, [tested, bindings[tested]!], [values, bindings[values]!]);
      return selectionPasses(bindings[values]!.length, names);
    },
  });
}
