import { describe, expect, it } from "vitest";
import { DescriptorPool, type DescriptorPoolOptions } from "./descriptor-pool.js";
import { FakeDevice } from "./fake-device.test-support.js";
import type { BindGroupRequest, PooledBindGroup } from "./pooled-bind-group.js";

const layout = {} as GPUBindGroupLayout;
const buffer = (id: number) => ({ id, buffer: {} as GPUBuffer, byteLength: 1024, usage: 0x80 });
/** One entry for each id; the base of what differs in the tests below. */
const request = (...ids: number[]): BindGroupRequest => ({
  layout,
  layoutId: 1,
  entries: ids.map((id, binding) => ({ binding, buffer: buffer(id), offset: 0, size: 1024 })),
});

function setup(options: Partial<DescriptorPoolOptions> = {}) {
  const device = new FakeDevice();
  const pool = new DescriptorPool({ device, ...options });
  const take = (of: BindGroupRequest): PooledBindGroup => {
    const set = pool.tryAcquire(of);
    if (!set) throw new Error("Nothing was free.");
    return set;
  };
  return { device, pool, take };
}

describe("DescriptorPool", () => {
  it("creates a bind group with the ranges asked for", () => {
    const { device, take } = setup();
    const entry = { binding: 3, buffer: buffer(7), offset: 256, size: 128 };
    take({ layout, layoutId: 1, entries: [entry] });
    expect(device.bindGroups).toEqual([
      { layout, entries: [{ binding: 3, resource: { buffer: entry.buffer.buffer, offset: 256, size: 128 } }] },
    ]);
  });

  it("gives the same bind group for the same request after it was released", () => {
    const { device, pool, take } = setup();
    const set = take(request(1, 2));
    pool.release(set);
    expect(take(request(1, 2))).toBe(set);
    expect(device.bindGroups).toHaveLength(1);
    expect(pool.stats()).toMatchObject({ made: 1, reused: 1, live: 1, descriptors: 2, inUse: 1 });
  });

  it.each([
    ["layout", { ...request(1), layoutId: 2 }],
    ["buffer", request(2)],
    ["number of entries", request(1, 1)],
    ["binding", { ...request(1), entries: [{ ...request(1).entries[0]!, binding: 1 }] }],
    ["offset", { ...request(1), entries: [{ ...request(1).entries[0]!, offset: 2 ** 32 }] }],
    ["size", { ...request(1), entries: [{ ...request(1).entries[0]!, size: 512 }] }],
  ])("gives another bind group for another %s", (_, other) => {
    const { take } = setup();
    expect(take(other)).not.toBe(take(request(1)));
  });

  // The hash uses 32 bits of each number.
  it.each<[string, (number: number) => BindGroupRequest]>([
    ["layout", (number) => ({ ...request(1), layoutId: number })],
    ["buffer", (number) => request(number)],
    ["binding", (number) => ({ ...request(1), entries: [{ ...request(1).entries[0]!, binding: number }] })],
    ["offset", (number) => ({ ...request(1), entries: [{ ...request(1).entries[0]!, offset: number }] })],
    ["size", (number) => ({ ...request(1), entries: [{ ...request(1).entries[0]!, size: number }] })],
  ])("tells apart requests with equal hashes and another %s", (_, withNumber) => {
    const { pool, take } = setup();
    const one = take(withNumber(1));
    const other = take(withNumber(1 + 2 ** 32));
    expect(other).not.toBe(one);
    expect(take(withNumber(1))).toBe(one);
    expect(take(withNumber(1 + 2 ** 32))).toBe(other);
    expect(pool.stats().made).toBe(2);
  });

  it("shares one bind group between equal requests, until the last release", () => {
    const { pool, take } = setup({ maxSets: 1 });
    const set = take(request(1));
    expect(take(request(1))).toBe(set);
    pool.release(set);
    expect(pool.tryAcquire(request(2))).toBeUndefined();
    pool.release(set);
    expect(pool.tryAcquire(request(2))).toBeDefined();
    expect(() => pool.release(set)).toThrow(/not in use/);
  });

  it("rejects a second release, and a bind group of another pool", () => {
    const [one, other] = [setup(), setup()];
    const set = one.take(request(1));
    expect(() => other.pool.release(set)).toThrow(/not in use/);
    one.pool.release(set);
    expect(() => one.pool.release(set)).toThrow(/not in use/);
  });

  it("evicts idle bind groups, least recently used first, for either bound; never one in use", () => {
    const { pool, take } = setup({ maxSets: 3, maxDescriptors: 5 });
    const [inUse, a, b] = [take(request(1)), take(request(2)), take(request(3))];
    pool.release(b);
    pool.release(a);
    pool.release(take(request(3)));
    take(request(4));
    expect(pool.stats()).toMatchObject({ live: 3, evicted: 1, inUse: 2 });
    expect(take(request(3))).toBe(b);
    pool.release(b);
    take(request(5, 6, 7));
    expect(pool.stats()).toMatchObject({ live: 3, descriptors: 5, evicted: 2 });
    expect(take(request(1))).toBe(inUse);
  });

  it("refuses what does not fit beside the bind groups in use, and gives it once they are released", () => {
    const { pool, take } = setup({ maxDescriptors: 3 });
    const [a, b] = [take(request(1)), take(request(2))];
    expect(pool.tryAcquire(request(3, 4))).toBeUndefined();
    pool.release(a);
    take(request(3, 4));
    expect(pool.tryAcquire(request(5))).toBeUndefined();
    pool.release(b);
    take(request(5));
    expect(pool.stats()).toMatchObject({ live: 2, descriptors: 3, inUse: 2, evicted: 2 });
  });

  it("gives a bind group with more entries than the bound the pool to itself", () => {
    const { pool, take } = setup({ maxDescriptors: 2 });
    const small = take(request(1));
    expect(pool.tryAcquire(request(1, 2, 3))).toBeUndefined();
    pool.release(small);
    const large = take(request(1, 2, 3));
    expect(pool.stats()).toMatchObject({ live: 1, descriptors: 3, evicted: 1 });
    expect(pool.tryAcquire(request(1))).toBeUndefined();
    pool.release(large);
    expect(take(request(1, 2, 3))).toBe(large);
    pool.release(large);
    take(request(1));
    expect(pool.stats()).toMatchObject({ live: 1, descriptors: 1 });
  });

  it("drops every bind group of a buffer at once; one in use goes with its release", () => {
    const { pool, take } = setup();
    const held = take(request(1, 2));
    pool.release(take(request(2, 3)));
    const other = take(request(3));
    pool.release(other);
    pool.dropBuffer(2);
    expect(pool.stats()).toMatchObject({ live: 2, inUse: 1, descriptors: 3, evicted: 1 });
    expect(take(request(1, 2))).not.toBe(held);
    expect(take(request(3))).toBe(other);
    pool.release(held);
    expect(pool.stats()).toMatchObject({ made: 4, live: 2, evicted: 2 });
  });

  it("drops all on `clear`", () => {
    const { pool, take } = setup();
    const held = take(request(1));
    pool.release(take(request(2)));
    pool.clear();
    expect(pool.stats()).toMatchObject({ live: 1, evicted: 1 });
    expect(take(request(1))).not.toBe(held);
    pool.release(held);
    expect(pool.stats()).toMatchObject({ made: 3, live: 1, evicted: 2 });
  });

  it("drops all on `dispose`, and lends nothing afterwards", () => {
    const { pool, take } = setup();
    const held = take(request(1));
    pool.dispose();
    pool.dispose();
    expect(pool.tryAcquire(request(2))).toBeUndefined();
    pool.release(held);
    expect(pool.stats()).toMatchObject({ live: 0, descriptors: 0, evicted: 1 });
    expect(pool.tryAcquire(request(1))).toBeUndefined();
  });
});
