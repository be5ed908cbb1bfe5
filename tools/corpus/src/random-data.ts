/**
 * Numbers that look random and are the same in each run; none is 0, so that memory that was never written cannot pass for a
 * result.
 */
export class RandomData {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  natural(): number {
    // xorshift32, Marsaglia 2003
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }

  /** Whole numbers of 1 to `below` - 1. */
  naturals(length: number, below = 2 ** 32): Uint32Array {
    return Uint32Array.from({ length }, () => 1 + (this.natural() % (below - 1)));
  }

  /** Whole numbers of both signs, up to `below` - 1. */
  integers(length: number, below: number): Int32Array {
    return Int32Array.from({ length }, () => (1 + (this.natural() % (below - 1))) * (this.natural() & 1 ? 1 : -1));
  }

  /** Multiples of 1/8 up to 100 in size: sums and products of a few of them are exact. */
  floats(length: number): Float32Array {
    return Float32Array.from(this.integers(length, 800), (value) => value / 8);
  }
}
