/**
 * Checks of the arguments of array accesses. `subject` begins each error: `The read of resident array "x"`.
 */
import {
  type ArrayRange,
  ComputeError,
  type ResultOptions,
  type TypedArray,
  type TypedArrayConstructor,
} from "@kiln-gpu/core";
import {
  adviseArray,
  arrayTypeOf,
  checkAttached,
  checkOptionNames,
  describeValue,
  isSameType,
  optionNames,
  withArticle,
} from "@kiln-gpu/core/backend";

interface Elements {
  readonly type: TypedArrayConstructor;
  readonly length: number;
}

const rangeNames = /* @__PURE__ */ optionNames<ArrayRange>({ start: true, length: true });

/** What a call of `read` takes. */
export const readNames = /* @__PURE__ */ optionNames<ArrayRange & ResultOptions<TypedArray>>({
  start: true,
  length: true,
  into: true,
});

/** @throws {ComputeError} `invalid-option` if the range is not within the array. */
export function checkedRange(
  subject: string,
  { length: all }: Elements,
  range: ArrayRange,
  known = rangeNames,
): Required<ArrayRange> {
  checkOptionNames(subject, range, known);
  const { start = 0, length } = range;
  const count = length ?? all - start;
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(count) && start >= 0 && count >= 0;
  if (!isRange || start + count > all) {
    throw new ComputeError(
      "invalid-option",
      `${subject}: the range must be within the ${all} elements; got ${count} elements from [${start}].`,
    );
  }
  return { start, length: count };
}

/**
 * WebGPU copies whole words of 4 bytes. The last word may reach into the array's padding.
 * @throws {ComputeError} `invalid-option` if the range begins or ends within a word.
 */
export function checkAligned(subject: string, { type, length: all }: Elements, start: number, length: number): void {
  const bytes = type.BYTES_PER_ELEMENT;
  const endsAligned = ((start + length) * bytes) % 4 === 0 || start + length === all;
  if ((start * bytes) % 4 === 0 && endsAligned) return;
  throw new ComputeError(
    "invalid-option",
    `${subject}: the range must begin and end at multiples of 4 bytes; got bytes ${start * bytes} to ` +
      `${(start + length) * bytes}, the elements [${start}] to [${start + length}].`,
  );
}

/** @throws {ComputeError} `invalid-option` if `data` is not an array of the type. */
export function checkData(subject: string, { type }: Elements, data: unknown): void {
  if (ArrayBuffer.isView(data) && isSameType(arrayTypeOf(data as TypedArray), type)) {
    checkAttached(subject, "data", data);
    return;
  }
  throw new ComputeError(
    "invalid-option",
    `${subject} takes ${withArticle(type.name)}; got ${describeValue(data)}.${adviseArray(data, type.name)}`,
  );
}

/** @throws {ComputeError} `invalid-option` if `into` is not of the type, or not as long as the range. */
export function checkInto(subject: string, { type }: Elements, length: number, into: TypedArray | undefined): void {
  if (into === undefined) return;
  if (ArrayBuffer.isView(into) && isSameType(arrayTypeOf(into), type) && into.length === length) return;
  const given = ArrayBuffer.isView(into) ? `${describeValue(into)} of ${into.length}` : describeValue(into);
  throw new ComputeError(
    "invalid-option",
    `${subject}: "into" must be ${withArticle(type.name)} of ${length}; got ${given}.${adviseArray(into, type.name)}`,
  );
}
