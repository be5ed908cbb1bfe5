import type { HandTuned } from "./addition.js";
import type { Burst } from "./burst.js";
import { createQuickerUpload } from "./quicker-upload.js";
import type { Reference } from "./reference.js";

/** A set of buffers, a submission and a map for each addition, all in flight at once. */
export function createSlots(reference: Reference, length: number, count: number): Burst {
  const slots: readonly HandTuned[] = Array.from({ length: count }, () => createQuickerUpload(reference, length));
  return {
    async addAll(additions) {
      await Promise.all(additions.map(({ a, b, c }, i) => slots[i]!.add(a, b, c)));
    },
  };
}
