/**
 * Keeps what a call of one length needs, buffers above all, so that no call but the first makes any: a call takes a free set, or
 * has one made while all are in use by other calls.
 * @template Kept
 * @param {(length: number) => Kept} make
 */
export function keepSets(make) {
  /** @type {Map<number, Kept[]>} */
  const free = new Map();
  /**
   * @template Result
   * @param {number} length
   * @param {(set: Kept) => Promise<Result>} use
   */
  return async (length, use) => {
    let sets = free.get(length);
    if (!sets) free.set(length, (sets = []));
    const set = sets.pop() ?? make(length);
    const result = await use(set);
    // Not in a `finally`: what a failed call held is in no known state.
    sets.push(set);
    return result;
  };
}
