/** @typedef {{ median: number, p10: number, p90: number }} Spread */

/**
 * Quantiles, interpolated linearly between the two nearest samples (type 7 of Hyndman and Fan, 1996).
 * @param {readonly number[]} samples At least one.
 * @returns {Spread}
 */
export function spreadOf(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  /** @param {number} p */
  const quantile = (p) => {
    const place = (sorted.length - 1) * p;
    const below = sorted[Math.floor(place)];
    return below + (sorted[Math.ceil(place)] - below) * (place - Math.floor(place));
  };
  return { median: quantile(0.5), p10: quantile(0.1), p90: quantile(0.9) };
}
