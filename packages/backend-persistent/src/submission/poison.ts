import type { BatchMemory } from "./batch-template.js";

/** Neither zero nor a number that a run is likely to compute. As f32 it is -2.87e-16. */
const pattern = 0xa5;
const patternByteLength = 2 ** 20;
let patterned: Uint8Array<ArrayBuffer> | undefined;

/**
 * Overwrites all memory that was lent to a batch, so that a run which reads bytes before they are written reads this
 * pattern.
 */
export function poison({ queue }: GPUDevice, { acquired, downloads }: BatchMemory): void {
  patterned ??= new Uint8Array(patternByteLength).fill(pattern);
  for (const { buffer } of [...acquired, ...downloads]) {
    for (let start = 0; start < buffer.size; start += patternByteLength) {
      queue.writeBuffer(buffer, start, patterned, 0, Math.min(patternByteLength, buffer.size - start));
    }
  }
}
