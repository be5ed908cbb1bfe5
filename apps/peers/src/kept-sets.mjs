/**
 * Keeps the buffers and other objects that calls of one length need. A call uses a free set; it makes a new one only if
 * all sets are in use by other calls.
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
    // Not in a `finally`: after a failed call the state of its set is unknown.
    sets.push(set);
    return result;
  };
}
