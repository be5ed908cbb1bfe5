export interface RunTimes {
  readonly openMs: number;
  readonly firstMs: number;
  readonly warm: { readonly count: number; readonly medianMs: number; readonly p10Ms: number; readonly p90Ms: number };
  /** The median time of the passes on the device; absent if it has no timestamps. */
  readonly gpuMs?: number;
}

/** However slow a run is, the warm ones end after about this long. */
const longestMs = 3000;

/** Repeats `run`, up to `count` times, and returns how long each took in milliseconds. */
export async function timeRuns(count: number, run: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  const startMs = performance.now();
  while (times.length < count && (times.length < 3 || performance.now() - startMs < longestMs)) {
    const beforeMs = performance.now();
    await run();
    times.push(performance.now() - beforeMs);
  }
  return times;
}

export function quantilesOf(times: readonly number[]): RunTimes["warm"] {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.round((sorted.length - 1) * part)]!;
  return { count: sorted.length, medianMs: at(0.5), p10Ms: at(0.1), p90Ms: at(0.9) };
}

export function showTimes({ openMs, firstMs, warm, gpuMs }: RunTimes): string {
  const lines = [
    `open   ${showMs(openMs)}  the device, once`,
    `first  ${showMs(firstMs)}  with the shader's compilation`,
    `warm   ${showMs(warm.medianMs)}  median of ${warm.count}; ${warm.p10Ms.toFixed(3)} to ${warm.p90Ms.toFixed(3)} ms from p10 to p90`,
  ];
  if (gpuMs !== undefined) lines.push(`gpu    ${showMs(gpuMs)}  of a warm run, the kernel on the device`);
  return lines.join("\n");
}

function showMs(value: number): string {
  return `${value.toFixed(3)} ms`.padStart(13);
}
