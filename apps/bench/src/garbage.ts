import { GCProfiler, getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Runs the garbage collector. V8 reads `--expose-gc` when it creates a context, so the flag can be set here and `gc`
 * taken from a new context. The command needs no flag.
 */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/**
 * The bytes that `count` calls allocate on V8's heap: the growth of the heap, and what each collection in between freed
 * by V8's own count. The memory of large arrays is outside of that heap and does not count.
 */
export async function allocatedByteLength(run: () => Promise<unknown>, count: number): Promise<number> {
  const { setImmediate } = globalThis;
  // While a map is pending, npm webgpu polls the device with each `setImmediate`, up to hundreds of times per run, and
  // each poll leaves a kilobyte. One poll per millisecond makes the garbage depend on the code, not on the device's
  // speed.
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
