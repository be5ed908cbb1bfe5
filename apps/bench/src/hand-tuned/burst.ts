/** One of the additions of a burst. */
export interface IndependentAddition {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly c: Float32Array;
}

/** A fixed number of independent additions of a fixed length, all at once. */
export interface Burst {
  /** Writes each sum into its `c`. */
  addAll(additions: readonly IndependentAddition[]): Promise<void>;
}
