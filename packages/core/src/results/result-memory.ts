import type { TypedArray } from "../bindings/bindings.js";
import type { PlannedResult, RunPlan } from "../plan/run-plan.js";

/** Memory for the larger results of a run, by resource: where the caller gives none and leases none. Its bytes are anybody's. */
export type ResultMemory = readonly (TypedArray | undefined)[];

const pageByteLength = 4096;
const largeByteLength = 128 * 2 ** 10;

const { Buffer: nodeBuffer } = globalThis as {
  readonly Buffer?: { allocUnsafeSlow(byteLength: number): Uint8Array<ArrayBuffer> };
};

/**
 * Makes memory for results of `plan` ahead of them, while the device works: for large ones it takes as long as to copy them.
 * @returns Nothing where all are small, or the host refuses it: it may have enough by the time the results come.
 */
export function allocateResults({ resources }: RunPlan): ResultMemory | undefined {
  let memory: (TypedArray | undefined)[] | undefined;
  try {
    for (let i = 0; i < resources.length; i += 1) {
      const { result } = resources[i]!;
      if (!result || result.into || result.isLeased) continue;
      const byteLength = result.length * result.type.BYTES_PER_ELEMENT;
      if (byteLength >= pageByteLength) (memory ??= new Array(resources.length))[i] = allocate(result, byteLength);
    }
    return memory;
  } catch {
    return undefined;
  }
}

function allocate({ type, length }: PlannedResult, byteLength: number): TypedArray {
  if (byteLength >= largeByteLength) keepLargeBlocks();
  // In Node, memory that is not filled with zeros first: results will fill it.
  const { buffer } = nodeBuffer?.allocUnsafeSlow(byteLength) ?? new Uint8Array(byteLength);
  // Fresh memory is only promised: the host finds each page at the first write to it.
  const bytes = new Uint8Array(buffer);
  for (let at = 0; at < byteLength; at += pageByteLength) bytes[at] = 0;
  return new type(buffer, 0, length);
}

let keepsLargeBlocks = false;

/**
 * Has the host keep large blocks that are freed for those that come after them. The C library of most Linux systems maps a block of 128 KiB and
 * more by itself and gives it back when it is freed, so that each page of the next one is fresh and costs a fault; from the size of the largest
 * that was given back so, up to 32 MiB, it keeps them (mallopt(3), M_MMAP_THRESHOLD). Here is one: nothing is written to it, and it goes with the
 * next collection.
 */
function keepLargeBlocks(): void {
  if (keepsLargeBlocks || !nodeBuffer) return;
  keepsLargeBlocks = true;
  void new ArrayBuffer(32 * 2 ** 20 - 2 ** 16);
}
