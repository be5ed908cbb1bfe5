import type { DeviceCall } from "./faulty-device.js";

/** Limits the memory that a device has for buffers. */
export class LittleMemory {
  byteLength: number;
  /** How often an allocation failed. */
  refusals = 0;
  readonly #sizes = new Map<object, number>();
  #isRefusing = false;

  constructor(byteLength: number) {
    this.byteLength = byteLength;
  }

  get usedByteLength(): number {
    return [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  readonly intercept = ({ method, target, args, perform }: DeviceCall): unknown => {
    if (method === "GPUBuffer.destroy") this.#sizes.delete(target);
    if (method === "GPUDevice.createBuffer") {
      const { size } = args[0] as GPUBufferDescriptor;
      this.#isRefusing ||= this.usedByteLength + size > this.byteLength;
      const buffer = perform() as object;
      this.#sizes.set(buffer, size);
      return buffer;
    }
    if (method === "GPUDevice.popErrorScope" && this.#isRefusing) {
      this.#isRefusing = false;
      this.refusals += 1;
      return (perform() as Promise<unknown>).then(() => ({ message: "no memory, says the suite" }));
    }
    return perform();
  };
}
