import {
  type ArrayRange,
  ComputeError,
  type Lease,
  type ResidentArray,
  type ResultOptions,
  type TypedArray,
  type TypedArrayConstructor,
  type UseOptions,
} from "@kiln-gpu/core";
import {
  adviseArray,
  atCaller,
  bindingRole,
  bytesOf,
  checkOptionNames,
  describeValue,
  isSameType,
  MemoryLease,
  type PlannedResource,
  type PlannedResult,
  roundUpTo4,
  useOptionNames,
  withArticle,
} from "@kiln-gpu/core/backend";
import type { BufferPool, PooledBuffer } from "@kiln-gpu/resource-pools";
import { type BufferRefusal, type OpenDevice, refusalOfBuffer } from "@kiln-gpu/webgpu";
import { hasUsage, type UsageName } from "./adopted-buffer.js";
import { checkAligned, checkData, checkedRange, checkInto, readNames } from "./array-range.js";
import { ArrayUsers } from "./array-use.js";
import { deviceUsage } from "./device-usage.js";
import type { Held, Holder, Holders } from "./holders.js";
import { memoryError } from "./memory-error.js";

/** A read, write, copy or clear of arrays: work on them without a kernel. */
export interface ArrayAccess {
  /** The start of a sentence in errors: `The read of resident array "x"`. */
  readonly subject: string;
  readonly arrays: readonly ResidentMemory[];
  /** The arrays that it writes, each also in `arrays`. */
  readonly written: readonly ResidentMemory[];
  /** The parts that are written from the host's data, or read. */
  readonly resources: readonly PlannedResource[];
  readonly record?: (encoder: GPUCommandEncoder) => void;
  /** Whether it shares its submission with no other run. */
  readonly isAlone?: boolean;
}

/** Performs accesses in the order of their calls, and resolves with what they read, by the name of the resource. */
export type PerformAccess = (access: ArrayAccess) => Promise<{ readonly [name: string]: TypedArray | Lease }>;

/** A use of an array by commands of its caller. */
export interface ForeignUse {
  /** The start of a sentence in errors: `The use of resident array "x"`. */
  readonly subject: string;
  readonly array: ResidentMemory;
  readonly isWriting: boolean;
  /** Called once. If it returns a promise, the use lasts until that settles. */
  readonly record: (encoder: GPUCommandEncoder) => unknown;
}

/** Performs a use in the order of the calls, and resolves with what its `record` returns. */
export type PerformUse = (use: ForeignUse) => Promise<unknown>;

/** What the arrays of one device share. */
export interface ArrayContext {
  readonly open: OpenDevice;
  readonly buffers: BufferPool;
  readonly holders: Holders;
  readonly perform: PerformAccess;
  readonly performUse: PerformUse;
}

export interface ResidentOptions<T extends TypedArray> {
  readonly type: TypedArrayConstructor<T>;
  /** Elements. */
  readonly length: number;
  readonly label?: string | undefined;
  /** Whether the array keeps a copy of its elements on the host. */
  readonly isRecoverable?: boolean;
  /** Whether the array is a part of another holder, which disposes it, or releases its buffer if it was dropped. */
  readonly isPart?: boolean;
  /** Whether the buffer is another library's, which is never destroyed here. */
  readonly isAdopted?: boolean;
  readonly owner: ArrayOwner;
}

/** The backend, which must not be collected while the array is in use. */
export interface ArrayOwner {
  /**
   * Resolves when there is a device to work on; returns `undefined` if there is one now. A call that awaits nothing
   * else before it uses an array keeps its position in the order of the calls.
   */
  whenReady(): Promise<unknown> | undefined;
}

/** An array in a device buffer of its own. */
export class ResidentMemory<T extends TypedArray = TypedArray> implements ResidentArray<T>, Holder {
  readonly [bindingRole] = "resident";
  readonly type: TypedArrayConstructor<T>;
  readonly length: number;
  readonly label: string | undefined;
  /** Its description in errors and events. */
  readonly what: string;
  readonly owner: ArrayOwner;
  /** The name of its leases. */
  readonly #name: string;
  readonly #isPart: boolean;
  readonly #isAdopted: boolean;
  /** The bytes of a recoverable array, as long as only the host has written it. */
  #copy: Uint8Array | undefined;
  #context: ArrayContext;
  #buffer: PooledBuffer;
  #users: ArrayUsers;
  /** Absent for a part of another holder. */
  #held: Held | undefined;
  /** How many calls that bind the array have not ended. */
  #claims = 0;
  #isDisposed = false;
  #isFreed = false;
  #isRestoring = false;
  #loss: ComputeError | undefined;

  /**
   * Makes an array with the elements of `data`, or of zeros.
   * @throws {ComputeError} `limit-exceeded`, `out-of-memory`, `device-lost`.
   */
  static async make<T extends TypedArray>(
    context: ArrayContext,
    options: ResidentOptions<T>,
    data: T | undefined,
  ): Promise<ResidentMemory<T>> {
    const byteLength = options.length * options.type.BYTES_PER_ELEMENT;
    const subject = `The making of ${whatIs(options)}`;
    const buffer = await context.buffers.acquire({ byteLength, usage: deviceUsage }).catch((error: unknown) => {
      throw memoryError(subject, error);
    });
    const array = new ResidentMemory(context, buffer, options);
    try {
      if (!data) await array.#clear();
      else await array.#upload(data, options.length, 0);
      if (data && options.isRecoverable) array.#copy = bytesOf(data).slice();
    } catch (error) {
      array.dispose();
      throw error;
    }
    return array;
  }

  /**
   * Makes an array of a buffer that `checkedLength` has accepted.
   * @throws {ComputeError} `invalid-option` if the device cannot bind it, or an array has it already; `device-lost`.
   */
  static async adopt<T extends TypedArray>(
    context: ArrayContext,
    options: ResidentOptions<T>,
    given: GPUBuffer,
  ): Promise<ResidentMemory<T>> {
    const refusal = await refusalOfBuffer(context.open.device, given);
    if (context.open.loss) throw context.open.loss;
    if (refusal) {
      const { reason, cause } = refusal;
      throw new ComputeError("invalid-option", `gpu.adopt: the buffer ${reason}.`, { cause });
    }
    const buffer = context.buffers.adopt(given);
    if (buffer) return new ResidentMemory(context, buffer, { ...options, isAdopted: true });
    throw new ComputeError(
      "invalid-option",
      "gpu.adopt: the buffer is an array of this backend already; use that array, or dispose it first.",
    );
  }

  private constructor(context: ArrayContext, buffer: PooledBuffer, options: ResidentOptions<T>) {
    const { type, length, label, isPart = false, isAdopted = false, owner } = options;
    this.type = type;
    this.length = length;
    this.label = label;
    this.what = whatIs(options);
    this.owner = owner;
    this.#name = label ?? "elements";
    this.#isPart = isPart;
    this.#isAdopted = isAdopted;
    this.#context = context;
    this.#buffer = buffer;
    this.#users = new ArrayUsers(() => this.#freeUnused());
    this.#hold();
  }

  /** The buffer holds nothing but the array; it may be longer. */
  get buffer(): PooledBuffer {
    return this.#buffer;
  }

  get users(): ArrayUsers {
    return this.#users;
  }

  /**
   * Claims `given`, bound as `name`, for a call of `owner`. The array stays until `unclaim`, even if it is disposed.
   * @throws {ComputeError} `invalid-binding` if it is disposed or belongs to another backend; `device-lost`.
   */
  static claim(given: ResidentArray, owner: ArrayOwner, subject: string, name: string): ResidentMemory {
    const refuse = (reason: string) =>
      new ComputeError("invalid-binding", `${subject} is given ${describeValue(given)} as "${name}", which ${reason}.`);
    if (!(given instanceof ResidentMemory) || given.owner !== owner) throw refuse("another backend made");
    if (given.#loss) throw given.#lost(`Binding "${name}" of ${subject}`, given.#loss);
    if (given.#isDisposed) throw refuse("is disposed");
    given.#claims += 1;
    return given;
  }

  /** Why the device cannot bind it; only an adopted buffer can be destroyed or mapped by others. */
  async refusal(): Promise<BufferRefusal | undefined> {
    return this.#isAdopted ? await refusalOfBuffer(this.#context.open.device, this.#buffer.buffer) : undefined;
  }

  /** Ends a claim. The end of the last one frees an array that was disposed. */
  unclaim(): void {
    this.#claims -= 1;
    this.#freeUnused();
  }

  /**
   * The uses of the array on the device of `context`, for a call that has claimed it.
   * @throws {ComputeError} `device-lost` if the array is not on that device.
   */
  usersOn(context: ArrayContext, subject: string): ArrayUsers {
    if (this.#loss) throw this.#lost(subject, this.#loss);
    // The array may be on the next device already.
    if (context.open.loss) throw context.open.loss;
    if (this.#context === context) return this.#users;
    throw new ComputeError("device-lost", `${subject} is not possible: ${this.what} was lost with its device.`);
  }

  async read(range: ArrayRange & ResultOptions<T> = {}): Promise<T> {
    try {
      const subject = this.#subject("read of");
      const { start, length } = this.#checkedRange(subject, range, readNames);
      const { into } = range;
      checkInto(subject, this, length, into);
      this.#checkUsage(subject, "COPY_SRC");
      if (length === 0) return into ?? new this.type(0);
      return (await this.#download(subject, start, { type: this.type, length, into })) as T;
    } catch (error) {
      throw atCaller(error, this.read);
    }
  }

  async lease(range: ArrayRange = {}): Promise<Lease<T>> {
    try {
      const subject = this.#subject("lease of");
      const { start, length } = this.#checkedRange(subject, range);
      this.#checkUsage(subject, "COPY_SRC");
      if (length === 0) return new MemoryLease(this.#name, new this.type(0));
      return (await this.#download(subject, start, { type: this.type, length, isLeased: true })) as Lease<T>;
    } catch (error) {
      throw atCaller(error, this.lease);
    }
  }

  async #download(subject: string, start: number, result: PlannedResult): Promise<TypedArray | Lease> {
    this.#claims += 1;
    try {
      const ready = this.owner.whenReady();
      if (ready) await ready;
      this.#checkLoss(subject);
      const resource = { ...this.#part(start, result.length), access: "read", result } as const;
      const results = await this.#context.perform({ subject, arrays: [this], written: [], resources: [resource] });
      return results[this.#name]!;
    } finally {
      this.unclaim();
    }
  }

  // Each access claims its arrays in its own body. A shared helper would add a promise, and then the caller of an
  // access that fails would see it only after the callers of the runs that fail with it.

  async write(data: T, start = 0): Promise<void> {
    try {
      const subject = this.#subject("write of");
      checkData(subject, this, data);
      const { length } = this.#checkedRange(subject, { start, length: data.length });
      this.#checkUsage(subject, "COPY_DST");
      if (length === 0) return;
      checkAligned(subject, this, start, length);
      this.#claims += 1;
      try {
        const ready = this.owner.whenReady();
        if (ready) await ready;
        this.#checkLoss(subject);
        await this.#upload(data, length, start);
        this.#copy?.set(bytesOf(data), start * this.type.BYTES_PER_ELEMENT);
      } finally {
        this.unclaim();
      }
    } catch (error) {
      throw atCaller(error, this.write);
    }
  }

  /** @param arrays The arrays in whose order the upload takes a position. */
  #upload(data: T, length: number, start: number, arrays: readonly ResidentMemory[] = [this]): Promise<unknown> {
    const resource = { ...this.#part(start, length), access: "read-write", data } as const;
    return this.#context.perform({
      subject: this.#subject("write of"),
      arrays,
      written: arrays,
      resources: [resource],
    });
  }

  async copyFrom(source: ResidentArray, range: ArrayRange = {}, start = 0): Promise<void> {
    try {
      const subject = this.#subject("copy into");
      if (!(source instanceof ResidentMemory) || source.owner !== this.owner || source === this) {
        const given = source === this ? "the array itself" : describeValue(source);
        const advice = ArrayBuffer.isView(source) ? " Copy a typed array with `write`." : adviseArray(source);
        throw new ComputeError(
          "invalid-option",
          `${subject} takes another resident array of the same backend; got ${given}.${advice}`,
        );
      }
      if (!isSameType(source.type, this.type)) {
        throw new ComputeError(
          "invalid-option",
          `${subject} takes ${withArticle(this.type.name)}; the source is ${withArticle(source.type.name)}.`,
        );
      }
      const from = source.#checkedRange(subject, range);
      const { length } = this.#checkedRange(subject, { start, length: from.length });
      this.#checkUsage(subject, "COPY_DST");
      source.#checkUsage(subject, "COPY_SRC");
      if (length === 0) return;
      checkAligned(subject, this, start, length);
      checkAligned(subject, source, from.start, length);
      source.#claims += 1;
      this.#claims += 1;
      try {
        const ready = this.owner.whenReady();
        if (ready) await ready;
        this.#checkLoss(subject);
        source.#checkLoss(subject);
        await this.#copyRange(subject, source, from.start, length, start);
      } finally {
        source.unclaim();
        this.unclaim();
      }
    } catch (error) {
      throw atCaller(error, this.copyFrom);
    }
  }

  async use<R>(
    callback: (buffer: GPUBuffer, encoder: GPUCommandEncoder) => R,
    options: UseOptions = {},
  ): Promise<Awaited<R>> {
    try {
      const subject = this.#subject("use of");
      this.#check(subject);
      checkOptionNames(subject, options, useOptionNames);
      const { access = "read-write" } = options;
      if (access !== "read" && access !== "read-write") {
        const message = `${subject}: "access" must be "read" or "read-write"; got ${describeValue(access)}.`;
        throw new ComputeError("invalid-option", message);
      }
      if (typeof callback !== "function") {
        const message = `${subject}: "callback" must be a function; got ${describeValue(callback)}.`;
        throw new ComputeError("invalid-option", message);
      }
      const isWriting = access === "read-write";
      this.#claims += 1;
      try {
        const ready = this.owner.whenReady();
        if (ready) await ready;
        this.#checkLoss(subject);
        if (isWriting) this.outdateCopy();
        const { buffer } = this.#buffer;
        const record = (encoder: GPUCommandEncoder) => callback(buffer, encoder);
        return (await this.#context.performUse({ subject, array: this, isWriting, record })) as Awaited<R>;
      } finally {
        this.unclaim();
      }
    } catch (error) {
      throw atCaller(error, this.use);
    }
  }

  /** Makes a separate array with the same elements. Call it while this one is claimed; it may be disposed. */
  async duplicate(): Promise<ResidentMemory<T>> {
    const { type, length, owner } = this;
    this.#checkUsage(this.#subject("copy of"), "COPY_SRC");
    const copy = await ResidentMemory.make(this.#context, { type, length, owner }, undefined);
    try {
      await copy.#copyRange(copy.#subject("copy into"), this, 0, length, 0);
      return copy;
    } catch (error) {
      copy.dispose();
      throw error;
    }
  }

  #copyRange(subject: string, source: ResidentMemory, from: number, length: number, start: number): Promise<unknown> {
    this.outdateCopy();
    const bytes = this.type.BYTES_PER_ELEMENT;
    const [sourceBuffer, targetBuffer] = [source.buffer.buffer, this.buffer.buffer];
    const { byteLength } = this.#part(start, length);
    return this.#context.perform({
      subject,
      arrays: [source, this],
      written: [this],
      resources: [],
      record: (encoder) =>
        encoder.copyBufferToBuffer(sourceBuffer, from * bytes, targetBuffer, start * bytes, byteLength),
    });
  }

  /** Sets every element to zero, and the padding after the last. */
  async #clear(): Promise<void> {
    const { buffer } = this.buffer;
    const { byteLength } = this.#part(0, this.length);
    await this.#context.perform({
      subject: this.#subject("clear of"),
      arrays: [this],
      written: [this],
      resources: [],
      record: (encoder) => encoder.clearBuffer(buffer, 0, byteLength),
    });
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    if (this.#held) this.#context.holders.giveBack(this.#held);
    this.#freeUnused();
  }

  /** Whether the host has a copy that can be uploaded again. */
  get isRecoverable(): boolean {
    return this.#copy !== undefined;
  }

  /** Drops the copy on the host. Call it before the device writes the array. */
  outdateCopy(): void {
    this.#copy = undefined;
  }

  lose(reason: ComputeError): void {
    this.#loss = reason;
    this.dispose();
  }

  /**
   * Prepares for the next device, after a loss: later uses are uses there.
   * @returns The uses on the lost device.
   */
  survive(): ArrayUsers {
    const users = this.#users;
    this.#users = users.succeed();
    return users;
  }

  /**
   * Uploads the array to the next device, after `survive`.
   * @returns `false` if it is disposed.
   * @throws {ComputeError} `out-of-memory`, `device-lost`, `limit-exceeded`.
   */
  async restore(context: ArrayContext): Promise<boolean> {
    if (this.#isOver) return false;
    const { byteLength } = this.#buffer;
    if (this.#held) this.#context.holders.delete(this.#held);
    // It has no buffer if the last device was lost before there was room for it.
    if (!this.#isFreed) this.#context.buffers.release(this.#buffer);
    this.#isFreed = true;
    const buffer = await context.buffers.acquire({ byteLength, usage: deviceUsage });
    if (this.#isOver) {
      context.buffers.release(buffer);
      return false;
    }
    this.#context = context;
    this.#buffer = buffer;
    this.#isFreed = false;
    this.#hold();
    if (this.#isDisposed) context.holders.giveBack(this.#held!);
    const { buffer: bytes, byteOffset } = this.#copy!;
    this.#isRestoring = true;
    try {
      // The upload comes before the uses that already wait for the device.
      await this.#upload(new this.type(bytes as ArrayBuffer, byteOffset, this.length), this.length, 0, []);
    } finally {
      this.#isRestoring = false;
      this.#freeUnused();
    }
    return !this.#isDisposed;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Whether it is disposed and no earlier call needs it. */
  get #isOver(): boolean {
    return this.#isDisposed && this.#claims === 0 && this.#users.all.size === 0;
  }

  #freeUnused(): void {
    if (!this.#isOver || this.#isRestoring) return;
    this.#copy = undefined;
    if (this.#held) this.#context.holders.delete(this.#held);
    if (this.#isFreed) return;
    this.#isFreed = true;
    if (this.#isAdopted) this.#context.buffers.dismiss(this.#buffer);
    else this.#context.buffers.release(this.#buffer);
  }

  /** Registers it as a holder, so that it is reported if dropped, and lost with its device. */
  #hold(): void {
    if (this.#isPart) return;
    const { buffers, holders } = this.#context;
    const free = this.#isAdopted ? dismissalOf(buffers, this.#buffer) : releaseOf(buffers, this.#buffer);
    this.#held = holders.add(this, { what: this.what, free, isViewed: false });
  }

  #checkLoss(subject: string): void {
    if (this.#loss) throw this.#lost(subject, this.#loss);
  }

  /** @throws {ComputeError} `disposed`, `device-lost`. */
  #check(subject: string): void {
    this.#checkLoss(subject);
    if (this.#isDisposed) throw new ComputeError("disposed", `${subject} is not possible: ${this.what} is disposed.`);
  }

  /** @throws {ComputeError} `invalid-option` if an adopted buffer lacks the usage. */
  #checkUsage(subject: string, name: UsageName): void {
    if (hasUsage(this.#buffer.usage, name)) return;
    throw new ComputeError(
      "invalid-option",
      `${subject} is not possible: the buffer of ${this.what} was created without the usage ${name}.`,
    );
  }

  #lost(subject: string, reason: ComputeError): ComputeError {
    // The backend was disposed before the array could be restored on another device.
    if (reason.code === "disposed") return reason;
    const message = `${subject} is not possible: ${this.what} was lost with its device. ${reason.message}`;
    return new ComputeError("device-lost", message, { cause: reason });
  }

  #subject(words: string): string {
    return `The ${words} ${this.what}`;
  }

  /** The resource for a range of elements. */
  #part(start: number, length: number) {
    const bytes = this.type.BYTES_PER_ELEMENT;
    return { name: this.#name, resident: this, start: start * bytes, byteLength: roundUpTo4(length * bytes) };
  }

  #checkedRange(subject: string, range: ArrayRange, known?: Set<string>): Required<ArrayRange> {
    this.#check(subject);
    return checkedRange(subject, this, range, known);
  }
}

function whatIs({ type, length, label, isAdopted }: Omit<ResidentOptions<TypedArray>, "owner">): string {
  const word = isAdopted ? "adopted" : "resident";
  if (label !== undefined) return `${word} array "${label}"`;
  return `${isAdopted ? "an" : "a"} ${word} ${type.name} of ${length}`;
}

/** A function of its own: a closure over `this` would keep the array from being collected. */
function releaseOf(buffers: BufferPool, buffer: PooledBuffer): () => void {
  return () => buffers.release(buffer);
}

/** As `releaseOf`. */
function dismissalOf(buffers: BufferPool, buffer: PooledBuffer): () => void {
  return () => buffers.dismiss(buffer);
}
