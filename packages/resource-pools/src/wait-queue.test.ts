import { getEventListeners } from "node:events";
import { ComputeError } from "@kiln-gpu/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { settle, watch } from "./fake-device.test-support.js";
import { type StallTimeout, WaitQueue } from "./wait-queue.js";

/** A resource of `units`, of which each waiter takes some. */
function setup(units: number, stallTimeout?: StallTimeout) {
  const queue = new WaitQueue(stallTimeout);
  const pool = { units };
  const take = (amount: number, signal?: AbortSignal) =>
    watch(
      queue.wait(() => {
        if (pool.units < amount) return undefined;
        pool.units -= amount;
        return amount;
      }, signal),
    );
  const giveBack = (amount: number) => {
    pool.units += amount;
    queue.serve();
  };
  return { queue, pool, take, giveBack };
}

describe("WaitQueue", () => {
  it("makes small requests wait behind a large one that came first", async () => {
    const { pool, take, giveBack } = setup(2);
    const large = take(4);
    const small = take(1);
    await settle();
    expect([large.isSettled, small.isSettled, pool.units]).toEqual([false, false, 2]);
    giveBack(2);
    await settle();
    expect([large.value, small.isSettled]).toEqual([4, false]);
    giveBack(4);
    await settle();
    expect(small.value).toBe(1);
  });

  it("serves waiters behind one that is aborted", async () => {
    const { queue, take } = setup(2);
    const controller = new AbortController();
    const large = take(4, controller.signal);
    const small = take(1);
    controller.abort(new Error("enough"));
    await settle();
    expect(large.error).toMatchObject({ code: "aborted", cause: { message: "enough" } });
    expect(small.value).toBe(1);
    expect(queue.waiting).toBe(0);
  });

  it("makes no attempt for a signal that is aborted already", async () => {
    const { pool, take } = setup(2);
    const outcome = take(1, AbortSignal.abort());
    await settle();
    expect(outcome.error).toMatchObject({ code: "aborted" });
    expect(pool.units).toBe(2);
  });

  it("ignores an abort after the waiter was served", async () => {
    const { take, giveBack } = setup(1);
    const controller = new AbortController();
    const first = take(1, controller.signal);
    controller.abort();
    giveBack(0);
    await settle();
    expect(first.value).toBe(1);
  });

  it("leaves no listener on a signal, however the wait ends", async () => {
    const { queue, pool, take, giveBack } = setup(0);
    const { signal } = new AbortController();
    const served = take(1, signal);
    giveBack(1);
    const throwing = watch(
      queue.wait(() => {
        if (pool.units > 0) throw new Error("broken");
        return undefined;
      }, signal),
    );
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    giveBack(1);
    const closed = take(2, signal);
    queue.close();
    await settle();
    expect([served.value, throwing.isSettled, closed.isSettled]).toEqual([1, true, true]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("rejects waiters and later calls once it is closed", async () => {
    const { queue, take, pool } = setup(1);
    const waiting = take(2);
    queue.close();
    const later = take(1);
    await settle();
    expect(waiting.error).toMatchObject({ code: "disposed" });
    expect(later.error).toMatchObject({ code: "disposed" });
    expect(pool.units).toBe(1);
    expect(queue.waiting).toBe(0);
  });

  it("rejects with what an attempt throws, and serves the next", async () => {
    const { queue, take } = setup(1);
    const broken = watch(
      queue.wait(() => {
        throw new Error("broken");
      }),
    );
    const next = take(1);
    await settle();
    expect(broken.error).toMatchObject({ message: "broken" });
    expect(next.value).toBe(1);
  });

  it("keeps the order when an attempt releases something", async () => {
    const queue = new WaitQueue();
    const order: string[] = [];
    let isOpen = false;
    const first = watch(queue.wait(() => (isOpen ? order.push("first") : undefined)));
    const second = watch(queue.wait(() => (isOpen ? order.push("second") : undefined)));
    isOpen = true;
    const third = watch(
      queue.wait(() => {
        queue.serve();
        return order.push("third");
      }),
    );
    await settle();
    expect(order).toEqual(["first", "second", "third"]);
    expect([first.value, second.value, third.value]).toEqual([1, 2, 3]);
  });

  it("tries again when an attempt released something but took nothing", async () => {
    const queue = new WaitQueue();
    let isOpen = false;
    const first = watch(
      queue.wait(() => {
        if (isOpen) return "served";
        isOpen = true;
        queue.serve();
        return undefined;
      }),
    );
    await settle();
    expect(first.value).toBe("served");
  });

  it("lets the attempt decide that closes the queue, and loses nothing", async () => {
    const queue = new WaitQueue();
    const taken = watch(
      queue.wait(() => {
        queue.close();
        return "taken";
      }),
    );
    const other = new WaitQueue();
    const nothing = watch(
      other.wait(() => {
        other.close();
        return undefined;
      }),
    );
    await settle();
    expect(taken.value).toBe("taken");
    expect(nothing.error).toMatchObject({ code: "disposed" });
    expect(other.waiting).toBe(0);
  });

  it("lets the attempt decide that aborts itself, and loses nothing", async () => {
    const queue = new WaitQueue();
    const controllers = [new AbortController(), new AbortController()] as const;
    const taken = watch(
      queue.wait(() => {
        controllers[0].abort();
        return "taken";
      }, controllers[0].signal),
    );
    const nothing = watch(
      queue.wait(() => {
        controllers[1].abort();
        return undefined;
      }, controllers[1].signal),
    );
    await settle();
    expect(taken.value).toBe("taken");
    expect(nothing.error).toMatchObject({ code: "aborted" });
    expect(queue.waiting).toBe(0);
  });
});

describe("WaitQueue with a stall timeout", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  const stuck = new ComputeError("out-of-memory", "Nothing is under way.");

  const pass = async (ms: number) => {
    vi.advanceTimersByTime(ms);
    await settle();
  };

  it("ends the first wait when nothing is released for so long, and serves smaller waiters behind it", async () => {
    const { take } = setup(1, { timeoutMs: 100, stallError: () => stuck });
    const [large, small] = [take(2), take(1)];
    await pass(99);
    expect([large.isSettled, small.isSettled]).toEqual([false, false]);
    await pass(1);
    expect([large.error, small.value]).toEqual([stuck, 1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("serves the next waiter with what the first one's caller then releases", async () => {
    const { take, giveBack } = setup(0, { timeoutMs: 100, stallError: () => stuck });
    const waiting = [take(2), take(2), take(2)];
    await pass(100);
    expect(waiting.map(({ isSettled }) => isSettled)).toEqual([true, false, false]);
    giveBack(2);
    await settle();
    expect([waiting[0]!.error, waiting[1]!.value, waiting[2]!.isSettled]).toEqual([stuck, 2, false]);
  });

  it("ends the next waits soon after that, until something is released", async () => {
    const { take, giveBack } = setup(0, { timeoutMs: 10_000, stallError: () => stuck });
    const waiting = Array.from({ length: 20 }, () => take(2));
    await pass(10_000);
    await pass(1000);
    expect(waiting.map(({ error }) => error)).toEqual(Array.from({ length: 20 }, () => stuck));

    giveBack(1);
    const waiter = take(2);
    await pass(9999);
    expect(waiter.isSettled).toBe(false);
    giveBack(1);
    await settle();
    expect(waiter.value).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives every first waiter that long, from its call or from the last release", async () => {
    const { take, giveBack } = setup(0, { timeoutMs: 100, stallError: () => stuck });
    const first = take(9);
    await pass(60);
    giveBack(1);
    await pass(60);
    const late = take(9);
    expect(first.isSettled).toBe(false);
    await pass(40);
    expect([first.error, late.isSettled]).toEqual([stuck, false]);
  });

  it("waits on while work is under way", async () => {
    let isUnderWay = true;
    const { take } = setup(0, { timeoutMs: 100, stallError: () => (isUnderWay ? undefined : stuck) });
    const waiting = take(1);
    await pass(1000);
    isUnderWay = false;
    await pass(99);
    expect(waiting.isSettled).toBe(false);
    await pass(1);
    expect(waiting.error).toBe(stuck);
  });

  it("has no timer while nothing waits, however the waits ended", async () => {
    const { queue, take, giveBack } = setup(0, { timeoutMs: 100, stallError: () => stuck });
    const controller = new AbortController();
    const waiting = [take(1), take(1, controller.signal), take(1)];
    expect(vi.getTimerCount()).toBe(1);
    giveBack(1);
    controller.abort();
    queue.close();
    await settle();
    expect(waiting.map(({ error, value }) => (error as ComputeError | undefined)?.code ?? value)).toEqual([
      1,
      "aborted",
      "disposed",
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("never ends waits if it is infinite", async () => {
    const { take } = setup(0, { timeoutMs: Number.POSITIVE_INFINITY, stallError: () => stuck });
    const waiting = take(1);
    await pass(2 ** 32);
    expect(waiting.isSettled).toBe(false);
  });
});
