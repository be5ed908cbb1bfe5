import type { BatchMemory } from "./batch-memory.js";

/** No zero, and no number that a run is likely to compute; as f32, -2.87e-16. */
const pattern = 0xa5;
const patternByteLength = 2 ** 20;
let patterned: Uint8Array<ArrayBuffer> | undefined;

/** Overwrites all memory lent to a batch: whatever one of its runs sees there that it has not written, it sees as this. */
export function poison({ queue }: GPUDevice, { acquired, downloads }: BatchMemory): void {
  patterned ??= new Uint8Array(patternByteLength).fill(pattern);
  for (const { buffer } of [...acquired, ...downloads]) {
    for (let start = 0; start < buffer.size; start += patternByteLength) {
      queue.writeBuffer(buffer, start, patterned, 0, Math.min(patternByteLength, buffer.size - start));
    }
  }
}
