/** Times of one kind of call, in milliseconds. */
export interface Timing {
  readonly count: number;
  readonly meanMs: number;
  readonly p10Ms: number;
  readonly medianMs: number;
  readonly p90Ms: number;
}

export function timingOf(samplesMs: readonly number[]): Timing {
  const sorted = [...samplesMs].sort((a, b) => a - b);
  const meanMs = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length;
  return {
    count: sorted.length,
    meanMs,
    p10Ms: quantile(sorted, 0.1),
    medianMs: quantile(sorted, 0.5),
    p90Ms: quantile(sorted, 0.9),
  };
}

/** Interpolates linearly between the two nearest samples (type 7 of Hyndman and Fan, 1996). */
function quantile(sorted: readonly number[], p: number): number {
  const place = (sorted.length - 1) * p;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}

/** The timing of the fraction `factor` of each call. */
export function scaled({ count, meanMs, p10Ms, medianMs, p90Ms }: Timing, factor: number): Timing {
  return { count, meanMs: meanMs * factor, p10Ms: p10Ms * factor, medianMs: medianMs * factor, p90Ms: p90Ms * factor };
}
