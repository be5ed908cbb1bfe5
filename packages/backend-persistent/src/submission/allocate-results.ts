import type { TypedArray } from "@kiln-gpu/core";
import type { PlannedResult, ResultMemory, RunPlan } from "@kiln-gpu/core/backend";

const pageByteLength = 4096;
const largeByteLength = 128 * 2 ** 10;

const { Buffer: nodeBuffer } = globalThis as {
  readonly Buffer?: { allocUnsafeSlow(byteLength: number): Uint8Array<ArrayBuffer> };
};

/**
 * Allocates memory for the larger results of `plan` while the device works: making fresh memory takes as long as
 * copying into it. Leased results need no memory, nor do results that go into the caller's array. How much
 * a counted result needs is not known yet.
 * @returns `undefined` if all results are small, or if the host refuses the memory: there may be enough once the
 *   results come.
 */
export function allocateResults({ resources }: RunPlan): ResultMemory | undefined {
  let memory: (TypedArray | undefined)[] | undefined;
  try {
    for (let i = 0; i < resources.length; i += 1) {
      const { result } = resources[i]!;
      if (!result || result.into || result.isLeased || result.countedBy !== undefined) continue;
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
  // The host only promises fresh memory and finds each page at the first write to it.
  const bytes = new Uint8Array(buffer);
  for (let at = 0; at < byteLength; at += pageByteLength) bytes[at] = 0;
  return new type(buffer, 0, length);
}

let keepsLargeBlocks = false;

/**
 * Makes the host keep large freed blocks for later ones. The C library of most Linux systems maps each block of 128 KiB
 * or more by itself and unmaps it when it is freed, so that every page of the next block is fresh and costs a fault.
 * Once a block was unmapped, the library keeps freed blocks up to its size, at most 32 MiB (mallopt(3),
 * M_MMAP_THRESHOLD). This makes such a block: nothing is written to it, and the next collection frees it.
 */
function keepLargeBlocks(): void {
  if (keepsLargeBlocks || !nodeBuffer) return;
  keepsLargeBlocks = true;
  void new ArrayBuffer(32 * 2 ** 20 - 2 ** 16);
}
