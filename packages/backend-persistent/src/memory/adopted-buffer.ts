/** Checks of a buffer that another library created, before it becomes a resident array. */
import { ComputeError, type TypedArray, type TypedArrayConstructor } from "@kiln-gpu/core";
import { describeValue, roundUpTo4, withArticle } from "@kiln-gpu/core/backend";
import { bufferUsage } from "@kiln-gpu/webgpu";

/** WebGPU's names of the usages that arrays need. */
const usageNames = {
  COPY_SRC: bufferUsage.copySource,
  COPY_DST: bufferUsage.copyDestination,
  STORAGE: bufferUsage.storage,
} as const;

export type UsageName = keyof typeof usageNames;

export function hasUsage(usage: number, name: UsageName): boolean {
  return (usage & usageNames[name]) !== 0;
}

/**
 * Checks everything about `buffer` that it says itself.
 * @returns The length of the array, in elements.
 * @throws {ComputeError} `invalid-option`.
 */
export function checkedLength<T extends TypedArray>(
  buffer: GPUBuffer,
  type: TypedArrayConstructor<T>,
  length: number | undefined,
): number {
  const refuse = (words: string) => new ComputeError("invalid-option", `gpu.adopt: ${words}`);
  const isBuffer = typeof buffer?.size === "number" && typeof buffer.usage === "number";
  if (!isBuffer) throw refuse(`"buffer" must be a GPUBuffer; got ${describeValue(buffer)}.`);
  const { size, usage, mapState } = buffer;
  if (!hasUsage(usage, "STORAGE")) {
    throw refuse(`the buffer must be created with the usage STORAGE; its usage is 0x${usage.toString(16)}.`);
  }
  if (mapState !== "unmapped") throw refuse(`the buffer must be unmapped; its mapState is "${mapState}".`);
  const bytes = type.BYTES_PER_ELEMENT;
  if (length === undefined) {
    if (size > 0 && size % 4 === 0 && size % bytes === 0) return size / bytes;
    throw refuse(
      `the buffer has ${size} bytes, which must be whole elements of ${withArticle(type.name)} and a multiple of 4; ` +
        'give the "length" of the array, in elements.',
    );
  }
  if (!Number.isSafeInteger(length) || length < 1) {
    throw refuse(`"length" must be a whole number of elements, 1 or more; got ${describeValue(length)}.`);
  }
  // WebGPU binds whole words of 4 bytes.
  const needed = roundUpTo4(length * bytes);
  if (needed <= size) return length;
  throw refuse(`${withArticle(type.name)} of ${length} needs ${needed} bytes; the buffer has ${size}.`);
}
