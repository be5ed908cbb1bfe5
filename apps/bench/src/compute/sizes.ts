/** The sizes at which a kernel is measured, in elements. */
export interface SizeRange {
  /** A kernel uses smaller sizes only if there is no other. */
  readonly smallest: number;
  readonly largest: number;
}

/** Those of `sizes` that suit a kernel; sizes above its largest become its largest. */
export function sizesIn(sizes: readonly number[], { smallest, largest }: SizeRange): number[] {
  const within = [...new Set(sizes.map((size) => Math.min(size, largest)))].sort((a, b) => a - b);
  const chosen = within.filter((size) => size >= smallest);
  return chosen.length > 0 ? chosen : within.slice(-1);
}
