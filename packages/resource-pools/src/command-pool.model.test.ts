import assert from "node:assert/strict";
import fc from "fast-check";
import { it } from "vitest";
import { CommandPool, type CommandSlot } from "./command-pool.js";
import { settle, watch } from "./fake-device.test-support.js";
import { modelTimeoutMs, playModel } from "./model-runs.test-support.js";

const maxSlots = 3;

interface Wait {
  readonly controller: AbortController;
  readonly outcome: ReturnType<typeof watch<CommandSlot<object>>>;
}

class Model {
  isDisposed = false;
  waits: Wait[] = [];
  held: CommandSlot<object>[] = [];
  /** Last released last. */
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
  /** How many of the next contents cannot be made. */
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

const codeOf = ({ error }: { readonly error: unknown }) => (error as { code?: string } | undefined)?.code;

/** @param failures How many contents could not be made at most since the last check. */
async function check(model: Model, { pool, contents }: Real, failures = 0): Promise<void> {
  await settle();
  let failed = 0;
  while (model.waits[0] && model.held.length < maxSlots) {
    const { outcome } = model.waits.shift()!;
    assert(outcome.isSettled);
    if (outcome.value) model.hold(outcome.value);
    else {
      failed += 1;
      assert.match(String(outcome.error), /not made/);
    }
  }
  assert(failed <= failures);
  for (const { outcome } of model.waits) assert(!outcome.isSettled);
  for (const idle of model.idle) assert.equal(idle.isSettled, model.held.length === 0);
  if (model.held.length === 0) model.idle = [];
  const { live, inUse, waiting } = pool.stats();
  assert.deepEqual([live, inUse, waiting], [contents.size, model.held.length, model.waits.length]);
  assert.equal(contents.size, model.held.length + model.free.length);
  assert(contents.size <= maxSlots);
}

const acquire = (): Command => ({
  check: () => true,
  toString: () => "acquire",
  async run(model, real) {
    const { failures } = real;
    const controller = new AbortController();
    const outcome = watch(real.pool.acquire({ signal: controller.signal }));
    if (model.isDisposed) {
      await settle();
      assert.equal(codeOf(outcome), "disposed");
    } else {
      model.waits.push({ controller, outcome });
    }
    await check(model, real, failures - real.failures);
  },
});

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

const abort = (pick: number): Command => ({
  check: ({ waits }) => waits.length > 0,
  toString: () => `abort(${pick})`,
  async run(model, real) {
    const [{ controller, outcome }] = model.waits.splice(pick % model.waits.length, 1) as [Wait];
    controller.abort();
    await settle();
    assert.equal(codeOf(outcome), "aborted");
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
    await settle();
    for (const { outcome } of model.waits) assert.equal(codeOf(outcome), "disposed");
    model.waits = [];
    model.free = [];
    model.isDisposed = true;
    await check(model, real);
  },
});

it(
  "lends at most its slots, in order of arrival, and loses none, in any order of calls",
  async () => {
    const pick = fc.nat({ max: 20 });
    const none = fc.constant(0);
    const kinds = [
      none.map(acquire),
      none.map(acquire),
      none.map(tryAcquire),
      pick.map(release),
      pick.map(release),
      pick.map(releaseTwice),
      pick.map(abort),
      none.map(idle),
      fc.nat({ max: 3 }).map(failNext),
      // Rarely, for little is left to see after it.
      fc.nat({ max: 3 }).map((n) => (n === 0 ? dispose() : acquire())),
    ];
    await playModel(
      "the command pool",
      kinds,
      () => ({ model: new Model(), real: new Real() }),
      async (model, real) => {
        while (model.held.length > 0) await release(0).run(model, real);
        assert.equal(model.waits.length, 0);
        await dispose().run(model, real);
        assert.equal(real.contents.size, 0);
      },
    );
  },
  modelTimeoutMs,
);
