import assert from "node:assert/strict";
import fc from "fast-check";
import { it } from "vitest";
import { CommandPool, type CommandSlot } from "./command-pool.js";
import { settle, watch } from "./fake-device.test-support.js";
import { modelTimeoutMs, playModel } from "./model-runs.test-support.js";

const maxSlots = 3;

class Model {
  isDisposed = false;
  held: CommandSlot<object>[] = [];
  /** In the order of their releases. */
  free: CommandSlot<object>[] = [];
  idle: { readonly isSettled: boolean }[] = [];

  hold(slot: CommandSlot<object>): void {
    const expected = this.free.pop();
    if (expected) assert.equal(slot, expected);
    else assert.equal(slot.index, this.held.length);
    this.held.push(slot);
  }
}

class Real {
  readonly contents = new Set<object>();
  /** How many of the next creations fail. */
  failures = 0;
  readonly pool = new CommandPool<object>({
    maxSlots,
    create: () => {
      if (this.failures > 0) {
        this.failures -= 1;
        throw new Error("not made");
      }
      const contents = {};
      this.contents.add(contents);
      return contents;
    },
    destroy: (contents) => assert(this.contents.delete(contents)),
  });
}

type Command = fc.AsyncCommand<Model, Real>;

async function check(model: Model, { pool, contents }: Real): Promise<void> {
  await settle();
  for (const idle of model.idle) assert.equal(idle.isSettled, model.held.length === 0);
  if (model.held.length === 0) model.idle = [];
  const { live, inUse } = pool.stats();
  assert.deepEqual([live, inUse], [contents.size, model.held.length]);
  assert.equal(contents.size, model.held.length + model.free.length);
  assert(contents.size <= maxSlots);
}

const tryAcquire = (): Command => ({
  check: () => true,
  toString: () => "tryAcquire",
  async run(model, real) {
    const fits = !model.isDisposed && model.held.length < maxSlots;
    if (fits && model.free.length === 0 && real.failures > 0) {
      assert.throws(() => real.pool.tryAcquire(), /not made/);
    } else {
      const slot = real.pool.tryAcquire();
      assert.equal(slot !== undefined, fits);
      if (slot) model.hold(slot);
    }
    await check(model, real);
  },
});

const failNext = (failures: number): Command => ({
  check: () => true,
  toString: () => `failNext(${failures})`,
  async run(_, real) {
    real.failures = failures;
  },
});

const release = (pick: number): Command => ({
  check: ({ held }) => held.length > 0,
  toString: () => `release(${pick})`,
  async run(model, real) {
    const [slot] = model.held.splice(pick % model.held.length, 1);
    real.pool.release(slot!);
    if (!model.isDisposed) model.free.push(slot!);
    await check(model, real);
  },
});

const releaseTwice = (pick: number): Command => ({
  check: ({ free }) => free.length > 0,
  toString: () => `releaseTwice(${pick})`,
  async run(model, real) {
    assert.throws(() => real.pool.release(model.free[pick % model.free.length]!), /not in use/);
    await check(model, real);
  },
});

const idle = (): Command => ({
  check: () => true,
  toString: () => "idle",
  async run(model, real) {
    model.idle.push(watch(real.pool.idle()));
    await check(model, real);
  },
});

const dispose = (): Command => ({
  check: () => true,
  toString: () => "dispose",
  async run(model, real) {
    real.pool.dispose();
    model.free = [];
    model.isDisposed = true;
    await check(model, real);
  },
});

it(
  "lends at most its slots, and loses none, in any order of calls",
  async () => {
    const pick = fc.nat({ max: 20 });
    const none = fc.constant(0);
    const kinds = [
      none.map(tryAcquire),
      none.map(tryAcquire),
      pick.map(release),
      pick.map(release),
      pick.map(releaseTwice),
      none.map(idle),
      fc.nat({ max: 3 }).map(failNext),
      // Rare, because it leaves little to test after it.
      fc.nat({ max: 3 }).map((n) => (n === 0 ? dispose() : tryAcquire())),
    ];
    await playModel(
      "the command pool",
      kinds,
      () => ({ model: new Model(), real: new Real() }),
      async (model, real) => {
        while (model.held.length > 0) await release(0).run(model, real);
        await dispose().run(model, real);
        assert.equal(real.contents.size, 0);
      },
    );
  },
  modelTimeoutMs,
);
