import type { ResultMemory } from "@kiln-gpu/core/backend";
import type { BufferPool, PooledBuffer } from "@kiln-gpu/resource-pools";
import type { DeviceTimer } from "@kiln-gpu/webgpu";
import { allocateResults } from "./allocate-results.js";
import type { BatchLayout } from "./batch-layout.js";
import type { BatchMemory, BatchTemplate } from "./batch-template.js";
import type { ReadyRun } from "./ready-run.js";

/** One submission: the runs that share it, where all of theirs lies, and the memory that it was lent. */
export class Batch {
  readonly runs: readonly ReadyRun[];
  readonly template: BatchTemplate;
  readonly layout: BatchLayout;
  readonly memory: BatchMemory;
  /** Of a profiled run. */
  readonly timer: DeviceTimer | undefined;

  /** @param lent For the template's `requests`. */
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

  /** Its run, where it has one alone. */
  get sole(): ReadyRun | undefined {
    return this.runs.length === 1 ? this.runs[0] : undefined;
  }

  /** What errors call it, as the start of a sentence. */
  get subject(): string {
    return subjectOf(this.runs);
  }

  /** Whether running it twice would show: resident arrays are written in place. */
  get writesArrays(): boolean {
    for (let i = 0; i < this.runs.length; i += 1) if (this.runs[i]!.arrayUse) return true;
    return false;
  }

  /** Memory for the results, by run; nothing where no run is worth any. */
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
   * Gives its memory back, all at once and in the order in which it was lent. Uploads that were submitted are on their
   * own way back, for they must be mapped again first; leased downloads are their readers'.
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
