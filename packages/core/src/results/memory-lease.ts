import type { Lease, TypedArray } from "../bindings/bindings.js";
import { ComputeError } from "../errors/compute-error.js";

/** A lease on `data` that calls `onRelease` once, when it ends. */
export class MemoryLease<T extends TypedArray> implements Lease<T> {
  readonly #name: string;
  readonly #length: number;
  #data: T | undefined;
  #onRelease: (() => void) | undefined;
  #loss: ComputeError | undefined;

  constructor(name: string, data: T, onRelease?: () => void) {
    this.#name = name;
    this.#length = data.length;
    this.#data = data;
    this.#onRelease = onRelease;
  }

  get data(): T {
    if (this.#data?.length === this.#length) return this.#data;
    if (this.#loss) throw this.#loss;
    // A destroyed device takes its memory away before it reports its loss.
    if (this.#data) throw new ComputeError("device-lost", `The lease on "${this.#name}" was lost with its device.`);
    throw new ComputeError("disposed", `The lease on "${this.#name}" is released; its memory is gone.`);
  }

  release(): void {
    this.#data = undefined;
    const onRelease = this.#onRelease;
    this.#onRelease = undefined;
    onRelease?.();
  }

  /** Ends the lease because its device is lost, and the memory with it. */
  lose(reason: ComputeError): void {
    this.#loss = new ComputeError(
      "device-lost",
      `The lease on "${this.#name}" was lost with its device. ${reason.message}`,
      { cause: reason },
    );
    this.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
