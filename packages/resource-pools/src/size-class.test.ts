import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sizeClassOf } from "./size-class.js";

const noLimit = Number.POSITIVE_INFINITY;
const runs = { numRuns: 1000 };

describe("sizeClassOf", () => {
  it.each([
    [0, 256],
    [1, 256],
    [256, 256],
    [257, 512],
    [1024, 1024],
    [1025, 1280],
    [2049, 2560],
    [4096, 4096],
    [4097, 5120],
    [2 ** 32 + 1, 2 ** 32 + 2 ** 30],
  ])("serves %i bytes with %i", (byteLength, expected) => {
    expect(sizeClassOf(byteLength, noLimit)).toBe(expected);
  });

  it("wastes at most a quarter or 255 bytes, in multiples of 256", () => {
    const length = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 2 ** 40 }));
    fc.assert(
      fc.property(length, (byteLength) => {
        const size = sizeClassOf(byteLength, noLimit)!;
        expect(size % 256).toBe(0);
        expect(size).toBeGreaterThanOrEqual(byteLength);
        expect(size - byteLength).toBeLessThanOrEqual(Math.max(255, byteLength / 4));
      }),
      runs,
    );
  });

  it("has four sizes for each power of two, and each size is its own class", () => {
    const sizes = new Set<number>();
    for (let byteLength = 4097; byteLength <= 8192; byteLength++) sizes.add(sizeClassOf(byteLength, noLimit)!);
    expect([...sizes]).toEqual([5120, 6144, 7168, 8192]);
    for (const size of sizes) expect(sizeClassOf(size, noLimit)).toBe(size);
  });

  it("never exceeds the device's limit, and refuses only lengths that exceed it themselves", () => {
    expect(sizeClassOf(4097, 5000)).toBe(4352);
    expect(sizeClassOf(4097, 4100)).toBe(4100);
    expect(sizeClassOf(4097, 4099)).toBeUndefined();
    expect(sizeClassOf(100, 100)).toBe(100);
  });
});
