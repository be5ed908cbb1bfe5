import type { ResultMemory } from "@kiln-gpu/core/backend";
import type { BufferPool, PooledBuffer } from "@kiln-gpu/resource-pools";
import type { DeviceTimer } from "@kiln-gpu/webgpu";
import { allocateResults } from "./allocate-results.js";
import type { BatchLayout } from "./batch-layout.js";
import type { BatchMemory, BatchTemplate } from "./batch-template.js";
import type { ReadyRun } from "./ready-run.js";

/** One submission: its runs, the template that says where their resources lie, and the memory that it was lent. */
export class Batch {
  readonly runs: readonly ReadyRun[];
  readonly template: BatchTemplate;
  readonly layout: BatchLayout;
  readonly memory: BatchMemory;
  /** Only for a profiled run. */
  readonly timer: DeviceTimer | undefined;

  /** @param lent The buffers for the template's `requests`. */
  constructor(
    runs: readonly ReadyRun[],
    template: BatchTemplate,
    lent: readonly PooledBuffer[],
    timer: DeviceTimer | undefined,
  ) {
    this.runs = runs;
    this.template = template;
    this.layout = template.layout;
    this.memory = template.memoryOf(runs, lent);
    this.timer = timer;
  }

  /** Its run, if it has exactly one. */
  get sole(): ReadyRun | undefined {
    return this.runs.length === 1 ? this.runs[0] : undefined;
  }

  /** The start of a sentence in errors. */
  get subject(): string {
    return subjectOf(this.runs);
  }

  /** Whether it uses resident arrays, so that running it twice could show: those are written in place. */
  get writesArrays(): boolean {
    for (let i = 0; i < this.runs.length; i += 1) if (this.runs[i]!.arrayUse) return true;
    return false;
  }

  /** Allocates memory for the larger results, by run; `undefined` if there are none. */
  allocateResults(): (ResultMemory | undefined)[] | undefined {
    const { runs } = this;
    let all: (ResultMemory | undefined)[] | undefined;
    for (let i = 0; i < runs.length; i += 1) {
      const memory = allocateResults(runs[i]!.plan);
      if (memory) (all ??= new Array(runs.length))[i] = memory;
    }
    return all;
  }

  /**
   * Gives its memory back, all at once and in the order in which it was lent. Uploads that were submitted return by
   * themselves, once they are mapped again; leased downloads return with the last lease.
   */
  release(
    buffers: BufferPool,
    { uploads, downloads }: { readonly uploads: boolean; readonly downloads: boolean },
  ): void {
    const { memory } = this;
    const held = memory.acquired.slice();
    if (uploads) held.push(...memory.uploads);
    if (downloads) held.push(...memory.downloads);
    buffers.releaseAll(held);
  }
}

export function subjectOf(runs: readonly ReadyRun[]): string {
  return runs.length === 1 ? runs[0]!.subject : "A batch";
}
