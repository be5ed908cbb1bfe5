import type { Lease, TypedArray } from "@kiln-gpu/core";
import { MemoryLease, withArticle } from "@kiln-gpu/core/backend";
import type { BufferPool, PooledBuffer, StagingPool } from "@kiln-gpu/resource-pools";
import type { Holders } from "../memory/holders.js";
import type { ReadyRun } from "./ready-run.js";

/** Keeps the read-back memory of a batch mapped until its last lease is released. */
export class LeasedDownloads {
  readonly #buffers: BufferPool;
  readonly #staging: StagingPool;
  readonly #downloads: readonly PooledBuffer[];
  readonly #holders: Holders;
  #leases = 0;

  constructor(buffers: BufferPool, staging: StagingPool, downloads: readonly PooledBuffer[], holders: Holders) {
    this.#buffers = buffers;
    this.#staging = staging;
    this.#downloads = downloads;
    this.#holders = holders;
  }

  /** Makes a lease on a part of the memory, for the result `name` of the run. */
  lease({ leaseSource, callSite }: ReadyRun, name: string, data: TypedArray): Lease {
    this.#leases += 1;
    const lease = new MemoryLease(name, data, () => {
      this.#holders.delete(held);
      this.#end();
    });
    const of = leaseSource === undefined ? "" : ` of ${leaseSource}`;
    const what = `a lease on "${name}"${of}, ${withArticle(data.constructor.name)} of ${data.length}`;
    const held = this.#holders.add(lease, { what, free: () => this.#end(), isViewed: true }, callSite);
    return lease;
  }

  #end(): void {
    this.#leases -= 1;
    if (this.#leases > 0) return;
    this.#staging.unmap(this.#downloads);
    this.#buffers.releaseAll(this.#downloads);
  }
}
