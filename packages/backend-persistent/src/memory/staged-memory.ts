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

/** A mapped upload buffer that a caller writes an input into. */
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
  /** The backend. It must not be collected while a run may still bind this. */
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
    // The padding up to 4 bytes is bound too, and a pooled buffer keeps its last user's bytes.
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
      // A device that is destroyed detaches the memory before it reports its loss.
      if (data.length === this.length) return data;
      throw new ComputeError("device-lost", `The staged ${this.type.name} of ${this.length} was lost with its device.`);
    }
    throw new ComputeError(
      "disposed",
      `The staged ${this.type.name} of ${this.length} was bound or released, so its memory is gone. Stage another for the next run.`,
    );
  }

  /**
   * Claims the memory for a run of the `kind` named `label`, which binds it as `name`. From now on the caller cannot
   * use it.
   * @throws {ComputeError} `invalid-binding` if it was bound or released before, or belongs to another backend.
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
   * Returns the memory to its caller, after the run that claimed it was refused. If the backend has been disposed or
   * the device was lost meanwhile, the memory is released. Memory that was spent is not returned.
   */
  unclaim(): void {
    this.#isClaimed = false;
    if (this.#loss || this.#holders.hasEnded) this.release();
  }

  /** Hands the claimed memory to the run. */
  spend(): PooledBuffer {
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

/** Unmaps the buffer first: a view that a caller still has must not show the next user's bytes. */
function giveBack(staging: StagingPool, buffer: PooledBuffer): void {
  unmap(buffer.buffer);
  staging.recycleUpload(buffer);
}

/** Binds staged memory; the first word of an error. */
type BinderKind = "Kernel" | "Sequence";

/** Staged memory that a run has claimed, and the name of its binding. */
export interface StagedBinding {
  readonly name: string;
  readonly staged: StagedMemory<TypedArray>;
}

/** Claims the staged memory among `bindings`: all of it, or none if one handle is refused. */
export function claimStaged(
  owner: object,
  kind: BinderKind,
  label: string,
  bindings: { readonly [name: string]: unknown },
): StagedBinding[] | undefined {
  let claimed: StagedBinding[] | undefined;
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

/** The staged memory that a run uses as inputs. It goes back to the pool once the run is submitted or has ended. */
export class StagedInputs {
  readonly #inputs: { readonly resource: number; readonly buffer: PooledBuffer }[];

  constructor({ bound }: RunPlan, claimed: readonly StagedBinding[]) {
    this.#inputs = claimed.map(({ name, staged }) => ({ resource: bound.get(name)!, buffer: staged.spend() }));
  }

  at(resource: number): PooledBuffer {
    return this.#inputs.find((taken) => taken.resource === resource)!.buffer;
  }

  /**
   * Returns the buffers in reverse order, so that a loop gets the same ones again. If the run was not submitted, this
   * also ends the caller's views.
   */
  giveBack(staging: StagingPool): void {
    for (let i = this.#inputs.length - 1; i >= 0; i -= 1) {
      const { buffer } = this.#inputs[i]!;
      if (buffer.buffer.mapState === "mapped") unmap(buffer.buffer);
      staging.recycleUpload(buffer);
    }
    this.#inputs.length = 0;
  }
}
