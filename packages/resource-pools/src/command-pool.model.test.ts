import fc from "fast-check";
import { expect, it } from "vitest";
import { CommandPool, type CommandSlot } from "./command-pool.js";
import { settle, watch } from "./fake-device.test-support.js";

const numRuns = 300;
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
    if (expected) expect(slot).toBe(expected);
    else expect(slot.index).toBe(this.held.length);
    this.held.push(slot);
  }
}

class Real {
  readonly contents = new Set<object>();
  readonly pool = new CommandPool<object>({
    maxSlots,
    create: () => {
      const contents = {};
      this.contents.add(contents);
      return contents;
    },
    destroy: (contents) => expect(this.contents.delete(contents)).toBe(true),
  });
}

type Command = fc.AsyncCommand<Model, Real>;

async function check(model: Model, { pool, contents }: Real): Promise<void> {
  await settle();
  while (model.waits[0] && model.held.length < maxSlots) {
    const { outcome } = model.waits.shift()!;
    expect(outcome.isSettled).toBe(true);
    model.hold(outcome.value!);
  }
  for (const { outcome } of model.waits) expect(outcome.isSettled).toBe(false);
  for (const idle of model.idle) expect(idle.isSettled).toBe(model.held.length === 0);
  if (model.held.length === 0) model.idle = [];
  expect(pool.stats()).toMatchObject({
    live: contents.size,
    inUse: model.held.length,
    waiting: model.waits.length,
  });
  expect(contents.size).toBe(model.held.length + model.free.length);
  expect(contents.size).toBeLessThanOrEqual(maxSlots);
}

const acquire = (): Command => ({
  check: () => true,
  toString: () => "acquire",
  async run(model, real) {
    const controller = new AbortController();
    const outcome = watch(real.pool.acquire({ signal: controller.signal }));
    if (model.isDisposed) {
      await settle();
      expect(outcome.error).toMatchObject({ code: "disposed" });
    } else {
      model.waits.push({ controller, outcome });
    }
    await check(model, real);
  },
});

const tryAcquire = (): Command => ({
  check: () => true,
  toString: () => "tryAcquire",
  async run(model, real) {
    const slot = real.pool.tryAcquire();
    expect(slot !== undefined).toBe(!model.isDisposed && model.held.length < maxSlots);
    if (slot) model.hold(slot);
    await check(model, real);
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
    expect(() => real.pool.release(model.free[pick % model.free.length]!)).toThrow(/not in use/);
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
    expect(outcome.error).toMatchObject({ code: "aborted" });
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
    for (const { outcome } of model.waits) expect(outcome.error).toMatchObject({ code: "disposed" });
    model.waits = [];
    model.free = [];
    model.isDisposed = true;
    await check(model, real);
  },
});

it("lends at most its slots, in order of arrival, and loses none, in any order of calls", async () => {
  const pick = fc.nat({ max: 20 });
  const none = fc.constant(0);
  const commands = fc.commands(
    [
      none.map(acquire),
      none.map(acquire),
      none.map(tryAcquire),
      pick.map(release),
      pick.map(release),
      pick.map(releaseTwice),
      pick.map(abort),
      none.map(idle),
      none.map(dispose),
    ],
    { maxCommands: 40, size: "max" },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      const state = { model: new Model(), real: new Real() };
      await fc.asyncModelRun(() => state, list);
      const { model, real } = state;
      while (model.held.length > 0 || model.waits.length > 0) {
        expect(model.held.length).toBeGreaterThan(0);
        await release(0).run(model, real);
      }
      await dispose().run(model, real);
      expect(real.contents.size).toBe(0);
    }),
    { numRuns },
  );
});
