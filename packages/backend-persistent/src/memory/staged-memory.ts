import { ComputeError, type Staged, type TypedArray, type TypedArrayConstructor } from "@kiln-gpu/core";
import { bindingRole, type RunPlan, roleOf, withArticle } from "@kiln-gpu/core/backend";
import { type BufferPool, type PooledBuffer, type StagingPool, uploadUsage } from "@kiln-gpu/resource-pools";
import { deviceError, type OpenDevice, unmap } from "@kiln-gpu/webgpu";
import type { Held, Holder, Holders } from "./holders.js";
import { memoryError } from "./memory-error.js";

interface StagingPath {
  readonly buffers: BufferPool;
  readonly staging: StagingPool;
  readonly holders: Holders;
  readonly open: OpenDevice;
}

/** A mapped upload buffer in its caller's hands. */
export class StagedMemory<T extends TypedArray> implements Staged<T>, Holder {
  readonly [bindingRole] = "staged";
  readonly type: TypedArrayConstructor<T>;
  readonly length: number;
  readonly #staging: StagingPool;
  readonly #holders: Holders;
  readonly #held: Held;
  #isClaimed = false;
  #memory: { readonly buffer: PooledBuffer; readonly data: T } | undefined;
  #loss: ComputeError | undefined;
  /** The backend, which must not be collected while this may be bound to one of its runs. */
  readonly owner: object;

  /**
   * Acquires the memory.
   * @throws {ComputeError} `limit-exceeded`, `out-of-memory`, `device-lost`.
   */
  static async make<T extends TypedArray>(
    { buffers, staging, holders, open }: StagingPath,
    type: TypedArrayConstructor<T>,
    length: number,
    owner: object,
  ): Promise<StagedMemory<T>> {
    const byteLength = length * type.BYTES_PER_ELEMENT;
    const wanted = [{ byteLength, usage: uploadUsage }];
    const subject = `The staging of ${length} elements`;
    const acquired =
      buffers.tryAcquireAll(wanted) ??
      (await buffers.acquireAll(wanted).catch((error: unknown) => {
        throw memoryError(subject, error);
      }));
    const [buffer] = acquired as [PooledBuffer];
    try {
      if (open.loss) throw open.loss;
      return new StagedMemory(staging, buffer, type, length, holders, owner);
    } catch (error) {
      buffers.discard(buffer);
      throw await deviceError(open, subject, error);
    }
  }

  private constructor(
    staging: StagingPool,
    buffer: PooledBuffer,
    type: TypedArrayConstructor<T>,
    length: number,
    holders: Holders,
    owner: object,
  ) {
    this.owner = owner;
    this.#staging = staging;
    this.#holders = holders;
    this.type = type;
    this.length = length;
    const byteLength = Math.ceil((length * type.BYTES_PER_ELEMENT) / 4) * 4;
    const mapped = buffer.buffer.getMappedRange(0, byteLength);
    // The padding up to 4 is bound too, and a pooled buffer keeps its last user's bytes.
    const end = length * type.BYTES_PER_ELEMENT;
    if (end < byteLength) new Uint8Array(mapped).fill(0, end);
    this.#memory = { buffer, data: new type(mapped, 0, length) };
    const what = `staged memory, ${withArticle(type.name)} of ${length}`;
    this.#held = holders.add(this, { what, free: () => giveBack(staging, buffer), isViewed: true });
  }

  get data(): T {
    if (this.#loss) throw this.#loss;
    if (this.#memory && !this.#isClaimed) {
      const { data } = this.#memory;
      // A device that is destroyed takes the memory away before it tells of its loss.
      if (data.length === this.length) return data;
      throw new ComputeError("device-lost", `The staged ${this.type.name} of ${this.length} was lost with its device.`);
    }
    throw new ComputeError(
      "disposed",
      `The staged ${this.type.name} of ${this.length} was bound or released; its memory is gone. Stage another for the next run.`,
    );
  }

  /**
   * Reserves the memory for a run of what is a `kind` called `label`, that binds it as `name`: from now on its caller
   * has it no more.
   * @throws {ComputeError} `invalid-binding` when it is not there to be taken, or is another backend's.
   */
  static claim(staged: Staged, owner: object, kind: BinderKind, label: string, name: string): StagedMemory<TypedArray> {
    const refuse = (reason: string) =>
      new ComputeError("invalid-binding", `${kind} "${label}" is given staged memory as "${name}" that ${reason}.`);
    if (staged instanceof StagedMemory && staged.#loss) throw staged.#loss;
    if (!(staged instanceof StagedMemory) || staged.owner !== owner) throw refuse("another backend staged");
    if (!staged.#memory || staged.#isClaimed)
      throw refuse("was bound or released before; it serves one run, so stage another");
    staged.#isClaimed = true;
    return staged;
  }

  /**
   * Gives the memory back to its caller: the run that claimed it is refused. It may have ended, or been lost, in the
   * meantime.
   */
  unclaim(): void {
    this.#isClaimed = false;
    if (this.#loss || this.#holders.hasEnded) this.release();
  }

  /** Hands what was claimed over to the run. */
  take(): PooledBuffer {
    return this.#end(this.#memory!);
  }

  release(): void {
    if (!this.#memory || this.#isClaimed) return;
    giveBack(this.#staging, this.#end(this.#memory));
  }

  lose(reason: ComputeError): void {
    this.#loss = new ComputeError(
      "device-lost",
      `The staged ${this.type.name} of ${this.length} was lost with its device; stage another. ${reason.message}`,
      { cause: reason },
    );
    this.release();
  }

  #end({ buffer }: { readonly buffer: PooledBuffer }): PooledBuffer {
    this.#memory = undefined;
    this.#holders.delete(this.#held);
    return buffer;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** Unmapped and mapped again: a view that a caller still has must not show the next user's bytes. */
function giveBack(staging: StagingPool, buffer: PooledBuffer): void {
  unmap(buffer.buffer);
  staging.recycleUpload(buffer);
}

/** What binds staged memory, in the words of an error. */
type BinderKind = "Kernel" | "Sequence";

/** Staged memory that a run has claimed, and the name it is bound as. */
export interface Claimed {
  readonly name: string;
  readonly staged: StagedMemory<TypedArray>;
}

/** Moves staged memory from its callers to the run that binds it: all of it, or none where a handle is refused. */
export function claimStaged(
  owner: object,
  kind: BinderKind,
  label: string,
  bindings: { readonly [name: string]: unknown },
): Claimed[] | undefined {
  let claimed: Claimed[] | undefined;
  for (const name in bindings) {
    const value = bindings[name];
    if (roleOf(value) !== "staged") continue;
    claimed ??= [];
    try {
      claimed.push({ name, staged: StagedMemory.claim(value as Staged, owner, kind, label, name) });
    } catch (error) {
      for (const { staged } of claimed) staged.unclaim();
      throw error;
    }
  }
  return claimed;
}

/** What a run took of staged memory; given back once the device has it, or the run has ended. */
export class TakenMemory {
  readonly #taken: { readonly resource: number; readonly buffer: PooledBuffer }[];

  constructor({ bound }: RunPlan, claimed: readonly Claimed[]) {
    this.#taken = claimed.map(({ name, staged }) => ({ resource: bound.get(name)!, buffer: staged.take() }));
  }

  at(resource: number): PooledBuffer {
    return this.#taken.find((taken) => taken.resource === resource)!.buffer;
  }

  /**
   * In reverse order, so that a loop is given the same. Also ends the caller's views, where the run did not come to its
   * submission.
   */
  giveBack(staging: StagingPool): void {
    for (let i = this.#taken.length - 1; i >= 0; i -= 1) {
      const { buffer } = this.#taken[i]!;
      if (buffer.buffer.mapState === "mapped") unmap(buffer.buffer);
      staging.recycleUpload(buffer);
    }
    this.#taken.length = 0;
  }
}
