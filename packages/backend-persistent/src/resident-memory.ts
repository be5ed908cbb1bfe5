import {
  type ArrayRange,
  arrayTypeOf,
  ComputeError,
  type PlannedResource,
  type ResidentArray,
  type ResultOptions,
  type TypedArray,
  type TypedArrayConstructor,
} from "@kiln-gpu/core";
import type { BufferPool, PooledBuffer } from "@kiln-gpu/resource-pools";
import { ArrayUsers } from "./array-use.js";
import type { Holders } from "./holders.js";

/** One access to arrays that is no run of a kernel. */
export interface ArrayAccess {
  /** What errors call it, as the start of a sentence. */
  readonly subject: string;
  readonly arrays: readonly ResidentMemory[];
  /** Those of `arrays` that it writes. */
  readonly written: readonly ResidentMemory[];
  /** The parts that are written from the host's data, or read. */
  readonly resources: readonly PlannedResource[];
  readonly record?: (encoder: GPUCommandEncoder) => void;
}

/** Performs accesses in the order of their calls; resolves with what they read, by the names of the resources. */
export type PerformAccess = (access: ArrayAccess) => Promise<{ readonly [name: string]: TypedArray }>;

/** What arrays share, for the life of the backend. */
export interface ArrayContext {
  readonly buffers: BufferPool;
  readonly holders: Holders;
  readonly perform: PerformAccess;
}

/** An array in a device buffer of its own. */
export class ResidentMemory<T extends TypedArray = TypedArray> implements ResidentArray<T> {
  readonly role = "resident";
  readonly type: TypedArrayConstructor<T>;
  readonly length: number;
  readonly users: ArrayUsers;
  readonly #context: ArrayContext;
  /** The whole of it is the array's; it may be longer. */
  readonly buffer: PooledBuffer;
  #isDisposed = false;
  #isFreed = false;

  /** @param isOwned Whether it is a part of something else, which disposes it, or releases its buffer when it cannot any more. */
  constructor(
    context: ArrayContext,
    buffer: PooledBuffer,
    type: TypedArrayConstructor<T>,
    length: number,
    isOwned = false,
  ) {
    this.#context = context;
    this.buffer = buffer;
    this.type = type;
    this.length = length;
    this.users = new ArrayUsers(() => this.#freeUnused());
    const { buffers, holders } = context;
    if (isOwned) return;
    const what = `a resident ${type.name} of ${length}`;
    holders.add(this, { what, free: releaseOf(buffers, buffer), isViewed: false });
  }

  /**
   * `given`, about to be bound as `name`.
   * @throws {ComputeError} `invalid-binding` where one is disposed or another backend's.
   */
  static claim(given: ResidentArray, context: ArrayContext, subject: string, name: string): ResidentMemory {
    const refuse = (reason: string) =>
      new ComputeError("invalid-binding", `${subject} is given a resident array as "${name}" that ${reason}.`);
    if (!(given instanceof ResidentMemory) || given.#context !== context) throw refuse("another backend made");
    if (given.#isDisposed) throw refuse("is disposed");
    return given;
  }

  async read({ into, ...range }: ArrayRange & ResultOptions<T> = {}): Promise<T> {
    const subject = this.#subject("read");
    const { start, length } = this.#checkedRange(subject, range);
    if (length === 0) return into ?? new this.type(0);
    if (into !== undefined && (arrayTypeOf(into) !== this.type || into.length !== length)) {
      throw new ComputeError(
        "invalid-option",
        `${subject} gives a ${this.type.name} of ${length}; \`into\` is a ${into.constructor.name} of ${into.length}.`,
      );
    }
    const resource = {
      ...this.#part(start, length),
      access: "read",
      result: { type: this.type, length, into },
    } as const;
    const { elements } = await this.#context.perform({ subject, arrays: [this], written: [], resources: [resource] });
    return elements as T;
  }

  async write(data: T, start = 0): Promise<void> {
    const subject = this.#subject("write");
    if (!ArrayBuffer.isView(data) || arrayTypeOf(data) !== this.type) {
      const given = ArrayBuffer.isView(data) ? `a ${(data as TypedArray).constructor.name}` : String(data);
      throw new ComputeError("invalid-option", `${subject} takes a ${this.type.name}; ${given} is given.`);
    }
    const { length } = this.#checkedRange(subject, { start, length: data.length });
    if (length === 0) return;
    this.#checkAligned(subject, start, length);
    const resource = { ...this.#part(start, length), access: "read-write", data } as const;
    await this.#context.perform({ subject, arrays: [this], written: [this], resources: [resource] });
  }

  async copyFrom(source: ResidentArray, range: ArrayRange = {}, start = 0): Promise<void> {
    const subject = this.#subject("copy into");
    if (!(source instanceof ResidentMemory) || source.#context !== this.#context || source === this) {
      throw new ComputeError("invalid-option", `${subject} takes another resident array of the same backend.`);
    }
    if (source.type !== this.type) {
      throw new ComputeError(
        "invalid-option",
        `${subject} takes a ${this.type.name}; the source is a ${source.type.name}.`,
      );
    }
    const from = source.#checkedRange(subject, range);
    const { length } = this.#checkedRange(subject, { start, length: from.length });
    if (length === 0) return;
    this.#checkAligned(subject, start, length);
    source.#checkAligned(subject, from.start, length);
    const bytes = this.type.BYTES_PER_ELEMENT;
    const [sourceBuffer, targetBuffer] = [source.buffer.buffer, this.buffer.buffer];
    const { byteLength } = this.#part(start, length);
    await this.#context.perform({
      subject,
      arrays: [source, this],
      written: [this],
      resources: [],
      record: (encoder) =>
        encoder.copyBufferToBuffer(sourceBuffer, from.start * bytes, targetBuffer, start * bytes, byteLength),
    });
  }

  /** Sets every element to zero, and the bytes after them. */
  async clear(): Promise<void> {
    const { buffer } = this.buffer;
    const { byteLength } = this.#part(0, this.length);
    await this.#context.perform({
      subject: this.#subject("clear"),
      arrays: [this],
      written: [this],
      resources: [],
      record: (encoder) => encoder.clearBuffer(buffer, 0, byteLength),
    });
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#context.holders.delete(this);
    this.#freeUnused();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #freeUnused(): void {
    if (!this.#isDisposed || this.#isFreed || this.users.all.size > 0) return;
    this.#isFreed = true;
    this.#context.buffers.release(this.buffer);
  }

  #subject(verb: string): string {
    return `The ${verb} of a resident ${this.type.name} of ${this.length}`;
  }

  /** The resource that stands for a range of elements. */
  #part(start: number, length: number) {
    const bytes = this.type.BYTES_PER_ELEMENT;
    return { name: "elements", resident: this, start: start * bytes, byteLength: Math.ceil((length * bytes) / 4) * 4 };
  }

  #checkedRange(subject: string, { start = 0, length }: ArrayRange): Required<ArrayRange> {
    if (this.#isDisposed) throw new ComputeError("disposed", `${subject} is not possible: the array is disposed.`);
    const count = length ?? this.length - start;
    const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(count) && start >= 0 && count >= 0;
    if (!isRange || start + count > this.length) {
      throw new ComputeError(
        "invalid-option",
        `${subject} is asked for ${count} elements from [${start}]; expected is a range within its ${this.length}.`,
      );
    }
    return { start, length: count };
  }

  /** WebGPU copies whole words of 4 bytes; the last may be padding of the array's. */
  #checkAligned(subject: string, start: number, length: number): void {
    const bytes = this.type.BYTES_PER_ELEMENT;
    const endsAligned = ((start + length) * bytes) % 4 === 0 || start + length === this.length;
    if ((start * bytes) % 4 === 0 && endsAligned) return;
    throw new ComputeError(
      "invalid-option",
      `${subject} is asked for the elements [${start}] to [${start + length}], bytes ${start * bytes} to ${(start + length) * bytes}; ` +
        "WebGPU copies from and to multiples of 4 bytes.",
    );
  }
}

/** Not made where `this` is in reach: it must not keep the array from being collected. */
function releaseOf(buffers: BufferPool, buffer: PooledBuffer): () => void {
  return () => buffers.release(buffer);
}
