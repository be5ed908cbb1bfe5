import { copyOut, createAddition, type HandTuned } from "./addition.js";
import type { Reference } from "./reference.js";

/** Inputs through `queue.writeBuffer`. */
export function createWriteBuffer(reference: Reference, length: number, promises = true): HandTuned {
  const { queue } = reference.device;
  const addition = createAddition(reference, length, promises);
  return {
    name: promises ? "writeBuffer" : "writeBuffer, bare",
    async add(left, right, into) {
      const encoder = addition.begin();
      queue.writeBuffer(addition.a, 0, left as Float32Array<ArrayBuffer>);
      queue.writeBuffer(addition.b, 0, right as Float32Array<ArrayBuffer>);
      return copyOut(addition, addition.submit(encoder), into);
    },
  };
}
