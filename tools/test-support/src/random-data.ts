/** Repeatable pseudo-random numbers. None is zero, so a result never looks like memory that was not written. */
export class RandomData {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 1 to 2^32 - 1: Marsaglia's xorshift over a Weyl step. */
  word(): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0;
    let word = this.#state;
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    return word >>> 0 || 1;
  }

  /** A whole number from 1 to `most`. */
  upTo(most: number): number {
    return (this.word() % most) + 1;
  }

  /** An f32 of magnitude 1 to 2. Sums of a few are normal numbers, which devices round as the CPU does. */
  float(): number {
    const word = this.word();
    return Math.fround((1 + (word >>> 9) / 2 ** 23) * (word & 1 ? 1 : -1));
  }

  floats(length: number): Float32Array {
    return new Float32Array(length).map(() => this.float());
  }

  words(length: number, most = 2 ** 32 - 1): Uint32Array {
    return new Uint32Array(length).map(() => this.upTo(most));
  }
}
