import fc from "fast-check";
import { expect, it } from "vitest";
import { DescriptorPool } from "./descriptor-pool.js";
import { FakeDevice, settle, watch } from "./fake-device.test-support.js";
import type { BindGroupRequest, PooledBindGroup } from "./pooled-bind-group.js";

const numRuns = 300;
const maxSets = 4;
const maxDescriptors = 6;

interface Wait {
  readonly request: BindGroupRequest;
  readonly controller: AbortController;
  readonly outcome: ReturnType<typeof watch<PooledBindGroup>>;
}

interface ModelSet {
  readonly set: PooledBindGroup;
  readonly request: BindGroupRequest;
  holders: number;
  isDropped: boolean;
}

/** Everything that should exist, as plain lists. */
class Model {
  isDisposed = false;
  waits: Wait[] = [];
  inUse: ModelSet[] = [];
  /** Least recently used first. */
  free: ModelSet[] = [];
  gone: PooledBindGroup[] = [];
  made = 0;
  reused = 0;

  /** Whether `request` is served now. */
  fits(request: BindGroupRequest): boolean {
    const known = [...this.inUse, ...this.free].find((one) => !one.isDropped && keyOf(one.request) === keyOf(request));
    return (
      known !== undefined ||
      (this.inUse.length < maxSets && descriptorsOf(this.inUse) + request.entries.length <= maxDescriptors)
    );
  }

  take(request: BindGroupRequest, set: PooledBindGroup): void {
    const isSame = (one: ModelSet) => !one.isDropped && keyOf(one.request) === keyOf(request);
    const shared = this.inUse.find(isSame);
    const kept = this.free.find(isSame);
    if (shared ?? kept) {
      expect(set).toBe((shared ?? kept)!.set);
      this.reused++;
    }
    if (shared) {
      shared.holders++;
      return;
    }
    if (kept) {
      this.free = this.free.filter((one) => one !== kept);
      this.inUse.push({ ...kept, holders: 1 });
      return;
    }
    expect([...this.inUse, ...this.free].map((one) => one.set)).not.toContain(set);
    this.inUse.push({ set, request, holders: 1, isDropped: false });
    while (
      this.inUse.length + this.free.length > maxSets ||
      descriptorsOf([...this.inUse, ...this.free]) > maxDescriptors
    ) {
      this.gone.push(this.free.shift()!.set);
    }
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
const descriptorsOf = (sets: readonly ModelSet[]) => sets.reduce((sum, { request }) => sum + request.entries.length, 0);

type Command = fc.AsyncCommand<Model, DescriptorPool>;

async function check(model: Model, pool: DescriptorPool): Promise<void> {
  await settle();
  while (model.waits[0] && model.fits(model.waits[0].request)) {
    const { request, outcome } = model.waits.shift()!;
    expect(outcome.isSettled).toBe(true);
    model.take(request, outcome.value!);
  }
  for (const { outcome } of model.waits) expect(outcome.isSettled).toBe(false);
  const live = model.inUse.length + model.free.length;
  const descriptors = descriptorsOf([...model.inUse, ...model.free]);
  expect(pool.stats()).toEqual({
    made: model.made,
    reused: model.reused,
    live,
    evicted: model.made - live,
    descriptors,
    inUse: model.inUse.length,
    waiting: model.waits.length,
  });
  expect(live).toBeLessThanOrEqual(maxSets);
  expect(descriptors).toBeLessThanOrEqual(maxDescriptors);
}

const acquire = (request: BindGroupRequest): Command => ({
  check: () => true,
  toString: () => `acquire(${keyOf(request)})`,
  async run(model, pool) {
    const controller = new AbortController();
    const outcome = watch(pool.acquire(request, { signal: controller.signal }));
    if (model.isDisposed) {
      await settle();
      expect(outcome.error).toMatchObject({ code: "disposed" });
    } else {
      model.waits.push({ request, controller, outcome });
    }
    await check(model, pool);
  },
});

const tryAcquire = (request: BindGroupRequest): Command => ({
  check: () => true,
  toString: () => `tryAcquire(${keyOf(request)})`,
  async run(model, pool) {
    const set = pool.tryAcquire(request);
    expect(set !== undefined).toBe(!model.isDisposed && model.waits.length === 0 && model.fits(request));
    if (set) model.take(request, set);
    await check(model, pool);
  },
});

const release = (pick: number): Command => ({
  check: ({ inUse }) => inUse.length > 0,
  toString: () => `release(${pick})`,
  async run(model, pool) {
    const one = model.inUse[pick % model.inUse.length]!;
    pool.release(one.set);
    if (--one.holders === 0) {
      model.inUse = model.inUse.filter((other) => other !== one);
      if (one.isDropped) model.gone.push(one.set);
      else model.free.push(one);
    }
    await check(model, pool);
  },
});

const releaseTwice = (pick: number): Command => ({
  check: ({ free, gone }) => free.length + gone.length > 0,
  toString: () => `releaseTwice(${pick})`,
  async run(model, pool) {
    const sets = [...model.free.map(({ set }) => set), ...model.gone];
    expect(() => pool.release(sets[pick % sets.length]!)).toThrow(/not in use/);
    await check(model, pool);
  },
});

const abort = (pick: number): Command => ({
  check: ({ waits }) => waits.length > 0,
  toString: () => `abort(${pick})`,
  async run(model, pool) {
    const [{ controller, outcome }] = model.waits.splice(pick % model.waits.length, 1) as [Wait];
    controller.abort();
    await settle();
    expect(outcome.error).toMatchObject({ code: "aborted" });
    await check(model, pool);
  },
});

const dropBuffer = (id: number): Command => ({
  check: () => true,
  toString: () => `dropBuffer(${id})`,
  async run(model, pool) {
    pool.dropBuffer(id);
    model.drop(({ request }) => request.entries.some(({ buffer }) => buffer.id === id));
    await check(model, pool);
  },
});

const clear = (): Command => ({
  check: () => true,
  toString: () => "clear",
  async run(model, pool) {
    pool.clear();
    model.drop(() => true);
    await check(model, pool);
  },
});

const dispose = (): Command => ({
  check: () => true,
  toString: () => "dispose",
  async run(model, pool) {
    pool.dispose();
    await settle();
    for (const { outcome } of model.waits) expect(outcome.error).toMatchObject({ code: "disposed" });
    model.waits = [];
    model.isDisposed = true;
    model.drop(() => true);
    await check(model, pool);
  },
});

const requests: fc.Arbitrary<BindGroupRequest> = fc
  .record({
    layoutId: fc.integer({ min: 1, max: 2 }),
    ranges: fc.array(fc.record({ id: fc.integer({ min: 1, max: 3 }), offset: fc.constantFrom(0, 256) }), {
      minLength: 1,
      maxLength: 3,
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

it("serves in order, within both bounds, sharing what is the same, in any order of calls", async () => {
  const pick = fc.nat({ max: 20 });
  const commands = fc.commands(
    [
      requests.map(acquire),
      requests.map(tryAcquire),
      requests.map(tryAcquire),
      pick.map(release),
      pick.map(release),
      pick.map(releaseTwice),
      pick.map(abort),
      fc.integer({ min: 1, max: 3 }).map(dropBuffer),
      fc.constant(0).map(clear),
      fc.constant(0).map(dispose),
    ],
    { maxCommands: 40, size: "max" },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      const model = new Model();
      const pool = new DescriptorPool({ device: new FakeDevice(), maxSets, maxDescriptors });
      await fc.asyncModelRun(() => ({ model, real: pool }), list);
      while (model.inUse.length > 0 || model.waits.length > 0) {
        expect(model.inUse.length).toBeGreaterThan(0);
        await release(0).run(model, pool);
      }
      await dispose().run(model, pool);
      expect(pool.stats()).toMatchObject({ live: 0, descriptors: 0 });
    }),
    { numRuns },
  );
});
