/** The sizes that a kernel is measured at, in elements. */
export interface SizeRange {
  /** Below it a kernel takes a size only where it has no other. */
  readonly smallest: number;
  readonly largest: number;
}

/** Of `sizes`, those for a kernel: what is beyond its largest counts as its largest. */
export function sizesIn(sizes: readonly number[], { smallest, largest }: SizeRange): number[] {
  const within = [...new Set(sizes.map((size) => Math.min(size, largest)))].sort((a, b) => a - b);
  const chosen = within.filter((size) => size >= smallest);
  return chosen.length > 0 ? chosen : within.slice(-1);
}
