import assert from "node:assert/strict";
import fc from "fast-check";
import { it } from "vitest";
import { DescriptorPool } from "./descriptor-pool.js";
import { FakeDevice } from "./fake-device.test-support.js";
import { modelTimeoutMs, playModel } from "./model-runs.test-support.js";
import type { BindGroupRequest, PooledBindGroup } from "./pooled-bind-group.js";

const maxSets = 4;
const maxDescriptors = 6;

interface ModelSet {
  readonly set: PooledBindGroup;
  readonly request: BindGroupRequest;
  holders: number;
  isDropped: boolean;
}

/** What the pool should contain, in plain lists. */
class Model {
  isDisposed = false;
  inUse: ModelSet[] = [];
  /** Least recently used first. */
  free: ModelSet[] = [];
  gone: PooledBindGroup[] = [];
  made = 0;
  reused = 0;

  knows(request: BindGroupRequest): boolean {
    return [...this.inUse, ...this.free].some((one) => !one.isDropped && keyOf(one.request) === keyOf(request));
  }

  /** Whether the pool can serve `request` now. */
  fits(request: BindGroupRequest): boolean {
    const hasRoom = this.inUse.length < maxSets && fitsBeside(this.inUse, request);
    return hasRoom || this.knows(request);
  }

  /** Evicts what must go for `request`, which happens even if its bind group then cannot be created. */
  makeRoom(request: BindGroupRequest): void {
    while (this.inUse.length + this.free.length >= maxSets || !fitsBeside([...this.inUse, ...this.free], request)) {
      this.gone.push(this.free.shift()!.set);
    }
  }

  take(request: BindGroupRequest, set: PooledBindGroup): void {
    const isSame = (one: ModelSet) => !one.isDropped && keyOf(one.request) === keyOf(request);
    const shared = this.inUse.find(isSame);
    const idle = this.free.find(isSame);
    if (shared ?? idle) {
      assert.equal(set, (shared ?? idle)!.set);
      this.reused++;
    }
    if (shared) {
      shared.holders++;
      return;
    }
    if (idle) {
      this.free = this.free.filter((one) => one !== idle);
      this.inUse.push({ ...idle, holders: 1 });
      return;
    }
    assert(![...this.inUse, ...this.free].some((one) => one.set === set));
    this.makeRoom(request);
    this.inUse.push({ set, request, holders: 1, isDropped: false });
    this.made++;
  }

  drop(isDropped: (one: ModelSet) => boolean): void {
    this.gone.push(...this.free.filter(isDropped).map(({ set }) => set));
    this.free = this.free.filter((one) => !isDropped(one));
    for (const one of this.inUse) one.isDropped ||= isDropped(one);
  }
}

const keyOf = ({ layoutId, entries }: BindGroupRequest) =>
  `${layoutId}: ${entries.map(({ buffer, offset }) => `${buffer.id}+${offset}`)}`;
/** A bind group larger than the pool fits only if it is alone. */
const fitsBeside = (sets: readonly ModelSet[], { entries }: BindGroupRequest) =>
  sets.length === 0 || descriptorsOf(sets) + entries.length <= maxDescriptors;

const descriptorsOf = (sets: readonly ModelSet[]) => sets.reduce((sum, { request }) => sum + request.entries.length, 0);

class Real {
  readonly device = new FakeDevice();
  readonly pool = new DescriptorPool({ device: this.device, maxSets, maxDescriptors });
}

type Command = fc.AsyncCommand<Model, Real>;

async function check(model: Model, { pool }: Real): Promise<void> {
  const live = model.inUse.length + model.free.length;
  const descriptors = descriptorsOf([...model.inUse, ...model.free]);
  assert.deepEqual(pool.stats(), {
    made: model.made,
    reused: model.reused,
    live,
    evicted: model.made - live,
    descriptors,
    inUse: model.inUse.length,
  });
  assert(live <= maxSets && (descriptors <= maxDescriptors || live === 1));
}

const tryAcquire = (request: BindGroupRequest): Command => ({
  check: () => true,
  toString: () => `tryAcquire(${keyOf(request)})`,
  async run(model, real) {
    const isServed = !model.isDisposed && model.fits(request);
    if (isServed && !model.knows(request) && real.device.faults[0]) {
      assert.throws(() => real.pool.tryAcquire(request), /called wrongly/);
      model.makeRoom(request);
    } else {
      const set = real.pool.tryAcquire(request);
      assert.equal(set !== undefined, isServed);
      if (set) model.take(request, set);
    }
    await check(model, real);
  },
});

const release = (pick: number): Command => ({
  check: ({ inUse }) => inUse.length > 0,
  toString: () => `release(${pick})`,
  async run(model, real) {
    const one = model.inUse[pick % model.inUse.length]!;
    real.pool.release(one.set);
    if (--one.holders === 0) {
      model.inUse = model.inUse.filter((other) => other !== one);
      if (one.isDropped) model.gone.push(one.set);
      else model.free.push(one);
    }
    await check(model, real);
  },
});

const releaseTwice = (pick: number): Command => ({
  check: ({ free, gone }) => free.length + gone.length > 0,
  toString: () => `releaseTwice(${pick})`,
  async run(model, real) {
    const sets = [...model.free.map(({ set }) => set), ...model.gone];
    assert.throws(() => real.pool.release(sets[pick % sets.length]!), /not in use/);
    await check(model, real);
  },
});

const reuse = (picks: readonly number[]): Command => ({
  check: ({ inUse, free, gone }) => inUse.length + free.length + gone.length > 0,
  toString: () => `reuse(${picks})`,
  async run(model, real) {
    const known = [...model.inUse, ...model.free];
    const sets = [...known.map(({ set }) => set), ...model.gone];
    const picked = picks.map((pick) => sets[pick % sets.length]!);
    const areKept = picked.every((set) => known.some((one) => one.set === set && !one.isDropped));
    assert.equal(real.pool.reuse(picked), areKept);
    if (areKept) {
      model.reused += picked.length;
      for (const set of picked) {
        const used = model.free.filter((one) => one.set === set);
        model.free = [...model.free.filter((one) => one.set !== set), ...used];
      }
    }
    await check(model, real);
  },
});

/** @param gap How many creations succeed before one fails. */
const failAfter = (gap: number): Command => ({
  check: () => true,
  toString: () => `failAfter(${gap})`,
  async run(_, { device }) {
    device.faults.splice(0, device.faults.length, ...new Array<undefined>(gap).fill(undefined), "type-error");
  },
});

const dropBuffer = (id: number): Command => ({
  check: () => true,
  toString: () => `dropBuffer(${id})`,
  async run(model, real) {
    real.pool.dropBuffer(id);
    model.drop(({ request }) => request.entries.some(({ buffer }) => buffer.id === id));
    await check(model, real);
  },
});

const clear = (): Command => ({
  check: () => true,
  toString: () => "clear",
  async run(model, real) {
    real.pool.clear();
    model.drop(() => true);
    await check(model, real);
  },
});

const dispose = (): Command => ({
  check: () => true,
  toString: () => "dispose",
  async run(model, real) {
    real.pool.dispose();
    model.isDisposed = true;
    model.drop(() => true);
    await check(model, real);
  },
});

const requests: fc.Arbitrary<BindGroupRequest> = fc
  .record({
    layoutId: fc.integer({ min: 1, max: 2 }),
    ranges: fc.array(fc.record({ id: fc.integer({ min: 1, max: 3 }), offset: fc.constantFrom(0, 256) }), {
      minLength: 1,
      // One more than the pool holds.
      maxLength: maxDescriptors + 1,
    }),
  })
  .map(({ layoutId, ranges }) => ({
    layout: {} as GPUBindGroupLayout,
    layoutId,
    entries: ranges.map(({ id, offset }, binding) => ({
      binding,
      buffer: { id, buffer: {} as GPUBuffer, byteLength: 1024, usage: 0x80 },
      offset,
      size: 256,
    })),
  }));

it(
  "lends within both bounds, sharing what is the same, in any order of calls",
  async () => {
    const pick = fc.nat({ max: 20 });
    const kinds = [
      requests.map(tryAcquire),
      requests.map(tryAcquire),
      pick.map(release),
      pick.map(release),
      pick.map(releaseTwice),
      fc.array(pick, { maxLength: 3 }).map(reuse),
      fc.integer({ min: 1, max: 3 }).map(dropBuffer),
      fc.nat({ max: 2 }).map(failAfter),
      // Rare, because they leave little to test after them.
      fc.nat({ max: 5 }).map((n) => (n === 0 ? dispose() : n === 1 ? clear() : release(n))),
    ];
    await playModel(
      "the descriptor pool",
      kinds,
      () => ({ model: new Model(), real: new Real() }),
      async (model, real) => {
        while (model.inUse.length > 0) await release(0).run(model, real);
        await dispose().run(model, real);
        const { live, descriptors } = real.pool.stats();
        assert.deepEqual([live, descriptors], [0, 0]);
      },
    );
  },
  modelTimeoutMs,
);
