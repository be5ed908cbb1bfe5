import type { Lease, TypedArray } from "./bindings.js";
import { ComputeError } from "./errors.js";

/** A lease on `data`, whose end is told once. */
export class MemoryLease<T extends TypedArray> implements Lease<T> {
  readonly #name: string;
  #data: T | undefined;
  #onRelease: ((lease: MemoryLease<T>) => void) | undefined;
  #loss: ComputeError | undefined;

  constructor(name: string, data: T, onRelease?: (lease: MemoryLease<T>) => void) {
    this.#name = name;
    this.#data = data;
    this.#onRelease = onRelease;
  }

  get data(): T {
    if (this.#data) return this.#data;
    if (this.#loss) throw this.#loss;
    throw new ComputeError("disposed", `The lease on "${this.#name}" is released; its memory is gone.`);
  }

  release(): void {
    this.#data = undefined;
    const onRelease = this.#onRelease;
    this.#onRelease = undefined;
    onRelease?.(this);
  }

  /** The device is lost, and the memory with it. */
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
