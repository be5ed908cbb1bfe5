import { GCProfiler, getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Collects all that nobody uses. `--expose-gc` is read when a context is made, so it can be set now and the function be taken from a
 * new one: the command needs no flag of Node's.
 */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/**
 * Bytes that `count` calls put on V8's heap, whether they are still there or not: what the heap has grown by, and what each
 * collection in between took away, as V8 itself counts before and after it. The memory of large arrays lies elsewhere and does
 * not count.
 */
export async function allocatedByteLength(run: () => Promise<unknown>, count: number): Promise<number> {
  const { setImmediate } = globalThis;
  // While a map is pending, npm webgpu asks the device again with each `setImmediate` and leaves a kilobyte every time, up to
  // hundreds of times a run. Asked once a millisecond instead, garbage tells of the code and not of how long the device took.
  globalThis.setImmediate = ((ask: () => void) => setTimeout(ask, 1)) as unknown as typeof setImmediate;
  try {
    collectGarbage();
    const profiler = new GCProfiler();
    profiler.start();
    const before = getHeapStatistics().used_heap_size;
    for (let i = 0; i < count; i += 1) await run();
    const after = getHeapStatistics().used_heap_size;
    return profiler
      .stop()
      .statistics.reduce(
        (sum, { beforeGC, afterGC }) =>
          sum + beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
        after - before,
      );
  } finally {
    globalThis.setImmediate = setImmediate;
  }
}
