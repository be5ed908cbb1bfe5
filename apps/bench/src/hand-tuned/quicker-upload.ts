import type { HandTuned } from "./addition.js";
import { createMappedStaging } from "./mapped-staging.js";
import type { Reference } from "./reference.js";
import { createWriteBuffer } from "./write-buffer.js";

/** With larger arrays mapped staging is faster than the queue, on every GPU that was measured. */
const maxQueueByteLength = 64 * 2 ** 10;

/** The way to upload that an expert chooses for arrays of this length. */
export function createQuickerUpload(reference: Reference, length: number): HandTuned {
  const create = 2 * 4 * length <= maxQueueByteLength ? createWriteBuffer : createMappedStaging;
  return create(reference, length);
}
