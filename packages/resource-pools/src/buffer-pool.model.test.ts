import fc from "fast-check";
import { expect, it } from "vitest";
import { BufferPool } from "./buffer-pool.js";
import { bufferUsage, uploadUsage } from "./buffer-usage.js";
import { FakeDevice, settle, watch } from "./fake-device.test-support.js";
import type { BufferRequest, PooledBuffer } from "./pooled-buffer.js";
import { sizeClassOf } from "./size-class.js";

const numRuns = 300;
const byteBudget = 4096;

interface Wait {
  readonly bytes: number;
  readonly requests: readonly BufferRequest[];
  readonly controller: AbortController;
  readonly outcome: ReturnType<typeof watch<PooledBuffer[]>>;
}

/** What the pool should look like, kept as simply as can be. */
class Model {
  isDisposed = false;
  /** In order of arrival. */
  waits: Wait[] = [];
  held: (readonly PooledBuffer[])[] = [];
  released: PooledBuffer[] = [];
  lent = 0;

  get heldBytes(): number {
    return this.held.flat().reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
}

class Real {
  readonly device = new FakeDevice();
  readonly destroyed = new Set<number>();
  readonly pool = new BufferPool({
    device: this.device,
    byteBudget,
    onDestroy: ({ id }) => {
      expect(this.destroyed.has(id)).toBe(false);
      this.destroyed.add(id);
    },
  });
}

type Command = fc.AsyncCommand<Model, Real>;

const bytesOf = (requests: readonly BufferRequest[]) =>
  requests.reduce((sum, { byteLength }) => sum + sizeClassOf(byteLength, 1 << 20)!, 0);

/** Moves what must have been served from the waits to what is held, then compares everything. */
async function check(model: Model, { pool, device, destroyed }: Real, mayFail = false): Promise<void> {
  await settle();
  if (mayFail) model.waits = model.waits.filter(({ outcome }) => outcome.error === undefined);
  while (model.waits[0] && model.heldBytes + model.waits[0].bytes <= byteBudget) {
    const { outcome, requests } = model.waits.shift()!;
    expect(outcome.isSettled).toBe(true);
    hold(model, requests, outcome.value!);
  }
  for (const { outcome } of model.waits) expect(outcome.isSettled).toBe(false);
  const stats = pool.stats();
  expect(stats.inUseBytes).toBe(model.heldBytes);
  expect(stats.inUse).toBe(model.held.flat().length);
  expect(stats.waiting).toBe(model.waits.length);
  expect(stats.made + stats.reused).toBe(model.lent);
  expect(stats.live).toBe(device.live);
  expect(stats.made - stats.live).toBe(destroyed.size);
  expect(stats.bytes).toBe(device.liveBytes);
  expect(stats.bytes).toBe(stats.inUseBytes + stats.keptBytes);
  expect(device.highWaterBytes).toBeLessThanOrEqual(byteBudget);
  expect(device.openScopes).toBe(0);
  if (model.isDisposed) expect(stats.keptBytes).toBe(0);
  for (const { id } of model.held.flat()) expect(destroyed.has(id)).toBe(false);
}

function hold(model: Model, requests: readonly BufferRequest[], buffers: readonly PooledBuffer[]): void {
  expect(buffers.map(({ byteLength, usage }) => ({ byteLength, usage }))).toEqual(
    requests.map(({ byteLength, usage }) => ({ byteLength: sizeClassOf(byteLength, 1 << 20), usage })),
  );
  const heldIds = new Set(model.held.flat().map(({ id }) => id));
  for (const { id } of buffers) {
    expect(heldIds.has(id)).toBe(false);
    heldIds.add(id);
  }
  model.held.push(buffers);
  model.released = model.released.filter((buffer) => !buffers.includes(buffer));
  model.lent += buffers.length;
}

const always = () => true;

const acquire = (requests: BufferRequest[], mayFail: boolean): Command => ({
  check: always,
  toString: () => `acquire(${JSON.stringify(requests)})`,
  async run(model, real) {
    const controller = new AbortController();
    const outcome = watch(real.pool.acquireAll(requests, { signal: controller.signal }));
    const bytes = bytesOf(requests);
    if (bytes > byteBudget || model.isDisposed) {
      await settle();
      expect(outcome.error).toMatchObject({ code: bytes > byteBudget ? "limit-exceeded" : "disposed" });
    } else {
      model.waits.push({ bytes, requests, controller, outcome });
    }
    await check(model, real, mayFail);
  },
});

const tryAcquire = (requests: BufferRequest[]): Command => ({
  check: always,
  toString: () => `tryAcquire(${JSON.stringify(requests)})`,
  async run(model, real) {
    const made = real.device.created;
    const buffers = real.pool.tryAcquireAll(requests);
    expect(real.device.created).toBe(made);
    if (model.isDisposed || model.waits.length > 0) expect(buffers).toBeUndefined();
    if (buffers) hold(model, requests, buffers);
    await check(model, real);
  },
});

const giveBack = (pick: number, how: "release" | "discard" | "unmapped", mayFail: boolean): Command => ({
  check: ({ held }) => held.length > 0,
  toString: () => `${how}(${pick})`,
  async run(model, real) {
    const [buffers] = model.held.splice(pick % model.held.length, 1);
    if (how === "unmapped") for (const { buffer } of buffers!) buffer.unmap();
    if (how === "discard") for (const buffer of buffers!) real.pool.discard(buffer);
    else real.pool.releaseAll(buffers!);
    model.released.push(...buffers!);
    await check(model, real, mayFail);
  },
});

const releaseTwice = (pick: number): Command => ({
  check: ({ released }) => released.length > 0,
  toString: () => `releaseTwice(${pick})`,
  async run(model, real) {
    const buffer = model.released[pick % model.released.length]!;
    expect(() => real.pool.release(buffer)).toThrow(/not in use/);
    await check(model, real);
  },
});

const abort = (pick: number, mayFail: boolean): Command => ({
  check: ({ waits }) => waits.length > 0,
  toString: () => `abort(${pick})`,
  async run(model, real) {
    const [{ controller, outcome }] = model.waits.splice(pick % model.waits.length, 1) as [Wait];
    controller.abort();
    await settle();
    expect(outcome.error).toMatchObject({ code: "aborted" });
    await check(model, real, mayFail);
  },
});

const trim = (bytes: number): Command => ({
  check: always,
  toString: () => `trim(${bytes})`,
  async run(model, real) {
    real.pool.trim(bytes);
    expect(real.pool.stats().keptBytes).toBeLessThanOrEqual(bytes);
    await check(model, real);
  },
});

const dispose = (): Command => ({
  check: always,
  toString: () => "dispose",
  async run(model, real) {
    real.pool.dispose();
    await settle();
    for (const { outcome } of model.waits) expect(outcome.error).toMatchObject({ code: "disposed" });
    model.waits = [];
    model.isDisposed = true;
    await check(model, real);
  },
});

const setMemory = (memoryBytes: number): Command => ({
  check: always,
  toString: () => `setMemory(${memoryBytes})`,
  async run(_, { device }) {
    device.memoryBytes = memoryBytes;
  },
});

const requests = fc.array(
  fc.record({
    byteLength: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 4500 })),
    usage: fc.constantFrom<number>(bufferUsage.storage, bufferUsage.uniform, uploadUsage),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Gives back until nobody waits, then disposes: everyone must be served, and nothing may be left. */
async function finish(model: Model, real: Real, mayFail: boolean): Promise<void> {
  while (model.held.length > 0 || model.waits.length > 0) {
    expect(model.held.length).toBeGreaterThan(0);
    await giveBack(0, "release", mayFail).run(model, real);
  }
  real.pool.dispose();
  expect(real.device.live).toBe(0);
  expect(real.pool.stats()).toMatchObject({ live: 0, bytes: 0, inUse: 0, waiting: 0 });
}

function commandsFor(mayFail: boolean): fc.Arbitrary<Iterable<Command>> {
  const pick = fc.nat({ max: 20 });
  const kinds: fc.Arbitrary<Command>[] = [
    requests.map((of) => acquire(of, mayFail)),
    requests.map((of) => acquire(of, mayFail)),
    requests.map(tryAcquire),
    pick.map((of) => giveBack(of, "release", mayFail)),
    pick.map((of) => giveBack(of, "release", mayFail)),
    pick.map((of) => giveBack(of, "discard", mayFail)),
    pick.map((of) => giveBack(of, "unmapped", mayFail)),
    pick.map(releaseTwice),
    pick.map((of) => abort(of, mayFail)),
    fc.integer({ min: 0, max: byteBudget }).map(trim),
  ];
  if (mayFail) kinds.push(fc.integer({ min: 0, max: 2 * byteBudget }).map(setMemory));
  else kinds.push(fc.constant(0).map(dispose));
  return fc.commands(kinds, { maxCommands: 40, size: "max" });
}

it.each([
  ["in any order of calls", false],
  ["also when memory runs out", true],
])("serves in order, within the budget, and loses nothing, %s", async (_, mayFail) => {
  await fc.assert(
    fc.asyncProperty(commandsFor(mayFail), async (commands) => {
      const state = { model: new Model(), real: new Real() };
      await fc.asyncModelRun(() => state, commands);
      await finish(state.model, state.real, mayFail);
    }),
    { numRuns },
  );
});
