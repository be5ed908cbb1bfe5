import assert from "node:assert/strict";
import fc from "fast-check";
import { it } from "vitest";
import { settle, watch } from "./fake-device.test-support.js";
import { modelTimeoutMs, playModel } from "./model-runs.test-support.js";
import { WaitQueue } from "./wait-queue.js";

/** What an attempt does besides taking its units. */
type Manner = "plain" | "throws" | "aborts itself" | "closes" | "serves again";

interface Asked {
  readonly amount: number;
  readonly manner: Manner;
  readonly controller: AbortController;
  readonly outcome: ReturnType<typeof watch<number>>;
  /** The expected outcome: the amount, or an error's code or message. */
  end?: number | string;
}

class Model {
  units = 3;
  isClosed = false;
  asked: Asked[] = [];
  /** In order of arrival. */
  waits: Asked[] = [];
  held: number[] = [];

  serve(): void {
    while (this.waits.length > 0) {
      const [first] = this.waits as [Asked];
      const fits = first.amount <= this.units;
      if (first.manner === "throws") {
        first.end = "thrown by the attempt";
      } else if (fits) {
        first.end = first.amount;
        this.units -= first.amount;
        this.held.push(first.amount);
        if (first.manner === "closes") this.close(first);
      } else if (first.manner === "closes") {
        first.end = "disposed";
        this.close(first);
      } else if (first.manner === "aborts itself") {
        first.end = "aborted";
      } else {
        return;
      }
      this.waits.shift();
    }
  }

  close(spared?: Asked): void {
    this.isClosed = true;
    for (const asked of this.waits) if (asked !== spared) asked.end = "disposed";
    this.waits = this.waits.filter((asked) => asked === spared);
  }
}

class Real {
  readonly queue = new WaitQueue();
  units = 3;

  attempt({ amount, manner, controller }: Omit<Asked, "outcome">): number | undefined {
    if (manner === "throws") throw new Error("thrown by the attempt");
    if (manner === "closes") this.queue.close();
    if (manner === "aborts itself") controller.abort();
    if (amount > this.units) return undefined;
    this.units -= amount;
    if (manner === "serves again") this.queue.serve();
    return amount;
  }
}

type Command = fc.AsyncCommand<Model, Real>;

async function check(model: Model, { queue, units }: Real): Promise<void> {
  await settle();
  assert.deepEqual([queue.waiting, queue.isClosed, units], [model.waits.length, model.isClosed, model.units]);
  for (const { outcome, end } of model.asked) {
    const { code, message } = (outcome.error ?? {}) as { code?: string; message?: string };
    assert.equal(outcome.value ?? code ?? message, end);
  }
  model.asked = model.waits.slice();
}

const take = ([amount, manner]: [number, Manner]): Command => ({
  check: () => true,
  toString: () => `take(${amount}, ${manner})`,
  async run(model, real) {
    const controller = new AbortController();
    const wanted = { amount, manner, controller };
    const outcome = watch(real.queue.wait(() => real.attempt(wanted), controller.signal));
    const asked: Asked = { ...wanted, outcome };
    model.asked.push(asked);
    if (model.isClosed) asked.end = "disposed";
    else model.waits.push(asked);
    model.serve();
    await check(model, real);
  },
});

const giveBack = (pick: number): Command => ({
  check: ({ held }) => held.length > 0,
  toString: () => `giveBack(${pick})`,
  async run(model, real) {
    const [amount] = model.held.splice(pick % model.held.length, 1) as [number];
    real.units += amount;
    real.queue.serve();
    model.units += amount;
    model.serve();
    await check(model, real);
  },
});

const abort = (pick: number): Command => ({
  check: ({ waits }) => waits.length > 0,
  toString: () => `abort(${pick})`,
  async run(model, real) {
    const [asked] = model.waits.splice(pick % model.waits.length, 1) as [Asked];
    asked.end = "aborted";
    asked.controller.abort();
    model.serve();
    await check(model, real);
  },
});

const close = (): Command => ({
  check: () => true,
  toString: () => "close",
  async run(model, real) {
    real.queue.close();
    model.close();
    await check(model, real);
  },
});

it(
  "serves all in order of arrival, each once, whatever its attempt does, in any order of calls",
  async () => {
    const pick = fc.nat({ max: 20 });
    const manner = fc.oneof(
      { weight: 8, arbitrary: fc.constant<Manner>("plain") },
      { weight: 3, arbitrary: fc.constantFrom<Manner>("throws", "aborts itself", "serves again") },
      { weight: 1, arbitrary: fc.constant<Manner>("closes") },
    );
    const takes = fc.tuple(fc.integer({ min: 1, max: 3 }), manner).map(take);
    const kinds = [takes, takes, takes, pick.map(giveBack), pick.map(giveBack), pick.map(abort)];
    // Rare, because it leaves little to test after it.
    const rare = fc.nat({ max: 7 }).map((n) => (n === 0 ? close() : giveBack(n)));
    await playModel(
      "the wait queue",
      [...kinds, rare],
      () => ({ model: new Model(), real: new Real() }),
      async (model, real) => {
        while (model.held.length > 0) await giveBack(0).run(model, real);
        assert.deepEqual([model.waits, real.units], [[], 3]);
      },
    );
  },
  modelTimeoutMs,
);
