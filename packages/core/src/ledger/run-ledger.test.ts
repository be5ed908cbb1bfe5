import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { RunOptions } from "../contract/run-options.js";
import { type Caller, RunLedger } from "./run-ledger.js";

/** A piece of work that ends when it is told to. */
function openWork<T = string>() {
  let end!: (value: T) => void;
  let fail!: (error: unknown) => void;
  let caller: Caller | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  const work = (of: Caller) => {
    caller = of;
    return promise;
  };
  return { work, end, fail, caller: () => caller };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Deadlines pass when a test says so. */
const useFakeDeadlines = () => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  await turn();
  return settled;
}

const early: [string, (controller: AbortController) => RunOptions][] = [
  ["no options", () => ({})],
  ["a signal", ({ signal }) => ({ signal })],
  ["a deadline", () => ({ timeoutMs: 1_000_000 })],
  ["both", ({ signal }) => ({ signal, timeoutMs: 1_000_000 })],
];

describe.each(early)("with %s", (_, optionsOf) => {
  test("a run resolves with what its work gives, and is counted", async () => {
    const ledger = new RunLedger("test");
    const { work, end, caller } = openWork();
    const run = ledger.start("k", optionsOf(new AbortController()), work);
    expect(ledger.stats()).toEqual({ started: 1, completed: 0, failed: 0, pending: 1, retried: 0 });
    end("done");
    expect(await run).toBe("done");
    expect(ledger.stats()).toEqual({ started: 1, completed: 1, failed: 0, pending: 0, retried: 0 });
    expect(caller()!.left).toBeUndefined();
  });

  test("a run rejects with the work's own error, and is counted", async () => {
    const ledger = new RunLedger("test");
    const { work, fail } = openWork();
    const run = ledger.start("k", optionsOf(new AbortController()), work);
    const error = new Error("broken");
    fail(error);
    await expect(run).rejects.toBe(error);
    expect(ledger.stats()).toEqual({ started: 1, completed: 0, failed: 1, pending: 0, retried: 0 });
  });

  test("work that throws at once is a rejection", async () => {
    const ledger = new RunLedger("test");
    const thrown = new Error("thrown");
    const run = ledger.start("k", optionsOf(new AbortController()), () => {
      throw thrown;
    });
    await expect(run).rejects.toBe(thrown);
    expect(ledger.stats()).toMatchObject({ failed: 1, pending: 0 });
    await ledger.close();
  });

  test("a failure that no caller awaits stays an unhandled rejection", async () => {
    const ledger = new RunLedger("test");
    const seen: unknown[] = [];
    const listeners = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", (reason) => seen.push(reason));
    try {
      const { work, fail } = openWork();
      void ledger.start("k", optionsOf(new AbortController()), work);
      const error = new Error("dropped");
      fail(error);
      await turn();
      await turn();
      expect(seen).toEqual([error]);
    } finally {
      process.removeAllListeners("unhandledRejection");
      for (const listener of listeners) process.on("unhandledRejection", listener);
    }
  });

  test("a failure that is waited for is no unhandled rejection", async () => {
    const ledger = new RunLedger("test");
    const seen: unknown[] = [];
    const see = (reason: unknown) => seen.push(reason);
    process.on("unhandledRejection", see);
    try {
      const { work, fail } = openWork();
      const run = ledger.start("k", optionsOf(new AbortController()), work);
      fail(new Error("caught"));
      await expect(run).rejects.toThrow("caught");
      await ledger.close();
      await turn();
      await turn();
      expect(seen).toEqual([]);
    } finally {
      process.off("unhandledRejection", see);
    }
  });
});

describe("an abort", () => {
  test("before the start rejects the run, whose work never begins", async () => {
    const ledger = new RunLedger("test");
    let begun = false;
    const reason = new Error("no longer wanted");
    const run = ledger.start("blur", { signal: AbortSignal.abort(reason) }, async () => {
      begun = true;
    });
    await expect(run).rejects.toMatchObject({
      code: "aborted",
      message: 'The run of kernel "blur" is aborted.',
      cause: reason,
    });
    expect(begun).toBe(false);
    expect(ledger.stats()).toEqual({ started: 0, completed: 0, failed: 0, pending: 0, retried: 0 });
  });

  test("during the run rejects it at once and tells the work", async () => {
    const ledger = new RunLedger("test");
    const controller = new AbortController();
    const { work, end, caller } = openWork();
    const run = ledger.start("blur", { signal: controller.signal }, work);
    controller.abort("enough");
    await expect(run).rejects.toMatchObject({ code: "aborted", cause: "enough" });
    expect(caller()!.left).toMatchObject({ code: "aborted" });
    expect(ledger.stats()).toEqual({ started: 1, completed: 0, failed: 1, pending: 0, retried: 0 });
    end("too late");
    await turn();
    expect(ledger.stats()).toMatchObject({ completed: 0, failed: 1 });
  });

  test("while the work begins rejects the run too", async () => {
    const ledger = new RunLedger("test");
    const controller = new AbortController();
    const { work, end } = openWork();
    const run = ledger.start("blur", { signal: controller.signal }, (caller) => {
      controller.abort();
      return work(caller);
    });
    const settled = await isSettled(run);
    end("too late");
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    expect(settled).toBe(true);
  });

  test("after the end changes nothing", async () => {
    const ledger = new RunLedger("test");
    const controller = new AbortController();
    const { work, end, caller } = openWork();
    const run = ledger.start("k", { signal: controller.signal }, work);
    end("done");
    await run;
    controller.abort();
    await turn();
    expect(await run).toBe("done");
    expect(caller()!.left).toBeUndefined();
  });

  test("is listened for only as long as the run lasts", async () => {
    const ledger = new RunLedger("test");
    const { signal } = new AbortController();
    const { work, end } = openWork();
    const run = ledger.start("k", { signal }, work);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    end("done");
    await run;
    await turn();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("a deadline", () => {
  beforeEach(useFakeDeadlines);
  afterEach(() => void vi.useRealTimers());

  test("rejects the run and tells the work", async () => {
    const ledger = new RunLedger("test");
    const { work, end, caller } = openWork();
    const run = ledger.start("blur", { timeoutMs: 20 }, work);
    vi.advanceTimersByTime(19);
    expect(await isSettled(run)).toBe(false);
    vi.advanceTimersByTime(1);
    await expect(run).rejects.toMatchObject({
      code: "timeout",
      message: 'The run of kernel "blur" has not finished within 20 ms.',
    });
    expect(caller()!.left).toMatchObject({ code: "timeout" });
    expect(ledger.stats()).toEqual({ started: 1, completed: 0, failed: 1, pending: 0, retried: 0 });
    end("too late");
  });

  test("that passes after an abort does not change why the caller left", async () => {
    const ledger = new RunLedger("test");
    const controller = new AbortController();
    const { work, end, caller } = openWork();
    const run = ledger.start("blur", { signal: controller.signal, timeoutMs: 5 }, work);
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    vi.advanceTimersByTime(5);
    await turn();
    expect(caller()!.left).toMatchObject({ code: "aborted" });
    end("too late");
  });

  test("leaves no timer behind that would keep the process", async () => {
    const ledger = new RunLedger("test");
    const works = Array.from({ length: 100 }, () => openWork());
    const runs = works.map(({ work }) => ledger.start("k", { timeoutMs: 1_000_000 }, work));
    expect(vi.getTimerCount()).toBe(100);
    for (const { end } of works) end("done");
    await Promise.all(runs);
    await turn();
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([2 ** 31, 2 ** 53, Number.POSITIVE_INFINITY])(
    "of %d milliseconds ends no run that ends before",
    async (timeoutMs) => {
      vi.useFakeTimers();
      try {
        const ledger = new RunLedger("test");
        const { work, end } = openWork();
        const run = ledger.start("blur", { timeoutMs }, work);
        // Longer than a timer of Node's can wait, which then fires at once.
        await vi.advanceTimersByTimeAsync(2 ** 31 - 2);
        end("done");
        expect(await run).toBe("done");
        expect(vi.getTimerCount()).toBe(0);
      } finally {
        vi.useRealTimers();
      }
    },
  );

  test("longer than a timer can wait ends when its time is over", async () => {
    vi.useFakeTimers();
    try {
      const ledger = new RunLedger("test");
      const { work, end } = openWork();
      const run = ledger.start("blur", { timeoutMs: 2 ** 31 + 10 }, work);
      const refused = expect(run).rejects.toMatchObject({ code: "timeout" });
      await vi.advanceTimersByTimeAsync(2 ** 31 + 10);
      await refused;
      end("done");
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([0, -1, Number.NaN, "soon", "10"])("of %o is refused", async (given) => {
    const ledger = new RunLedger("test");
    const timeoutMs = given as number;
    await expect(ledger.start("blur", { timeoutMs }, async () => "done")).rejects.toMatchObject({
      code: "invalid-option",
      message:
        'The run of kernel "blur": "timeoutMs" must be a number of milliseconds above 0, or Infinity for no limit; ' +
        `got ${typeof given === "string" ? `"${given}"` : given}.`,
    });
    expect(ledger.stats()).toMatchObject({ started: 0 });
  });
});

test.each([
  [null, "null"],
  [{}, "an object"],
  ["abort", '"abort"'],
])("a signal that is not one is refused: %j", async (signal, given) => {
  const ledger = new RunLedger("test");
  const run = ledger.start("blur", { signal: signal as unknown as AbortSignal }, async () => "done");
  await expect(run).rejects.toMatchObject({
    code: "invalid-option",
    message: `The run of kernel "blur": "signal" must be an AbortSignal; got ${given}.`,
  });
});

describe("startTask", () => {
  test("is counted nowhere, and rejects as its work does", async () => {
    const ledger = new RunLedger("test");
    await ledger.startTask("k", {}, async () => {});
    await expect(ledger.startTask("k", {}, () => Promise.reject(new Error("does not compile")))).rejects.toThrow(
      "does not compile",
    );
    expect(ledger.stats()).toEqual({ started: 0, completed: 0, failed: 0, pending: 0, retried: 0 });
  });

  test("can be aborted", async () => {
    const ledger = new RunLedger("test");
    const controller = new AbortController();
    const { work, end } = openWork<void>();
    const prepared = ledger.startTask("k", { signal: controller.signal }, work);
    controller.abort();
    await expect(prepared).rejects.toMatchObject({ code: "aborted" });
    end();
  });
});

describe("close", () => {
  test("lets nothing start any more", async () => {
    const ledger = new RunLedger("one-shot");
    expect(ledger.closed).toBe(false);
    ledger.checkOpen();
    await ledger.close();
    expect(ledger.closed).toBe(true);
    const refusal = { code: "disposed", message: "The one-shot backend is disposed; open another one." };
    await expect(ledger.start("k", {}, async () => "done")).rejects.toMatchObject(refusal);
    await expect(ledger.startTask("k", {}, async () => {})).rejects.toMatchObject(refusal);
    expect(() => ledger.checkOpen()).toThrow(expect.objectContaining(refusal));
    expect(ledger.stats()).toMatchObject({ started: 0 });
  });

  test("refuses as soon as it is called, and as disposed before anything else", async () => {
    const ledger = new RunLedger("test");
    void ledger.close();
    const options = { signal: AbortSignal.abort(), timeoutMs: -1 };
    await expect(ledger.start("k", options, async () => "done")).rejects.toMatchObject({ code: "disposed" });
  });

  test("waits for the runs in flight, whether they complete or fail", async () => {
    const ledger = new RunLedger("test");
    const [first, second] = [openWork(), openWork()];
    const runs = [ledger.start("k", {}, first.work), ledger.start("k", {}, second.work)];
    const closed = ledger.close();
    expect(await isSettled(closed)).toBe(false);
    first.end("done");
    expect(await isSettled(closed)).toBe(false);
    second.fail(new Error("broken"));
    await closed;
    expect((await Promise.allSettled(runs)).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  test("waits for the work of a preparation", async () => {
    const ledger = new RunLedger("test");
    const { work, end } = openWork<void>();
    const prepared = ledger.startTask("k", {}, work);
    const closed = ledger.close();
    expect(await isSettled(closed)).toBe(false);
    end();
    await closed;
    await prepared;
  });

  test.each<[string, (controller: AbortController) => RunOptions]>([
    ["aborted", ({ signal }) => ({ signal })],
    ["timeout", () => ({ timeoutMs: 1 })],
  ])("waits for the work behind a run that was settled early as %s", async (code, optionsOf) => {
    useFakeDeadlines();
    const ledger = new RunLedger("test");
    const controller = new AbortController();
    const { work, fail } = openWork();
    const run = ledger.start("k", optionsOf(controller), work);
    controller.abort();
    vi.advanceTimersByTime(1);
    vi.useRealTimers();
    await expect(run).rejects.toMatchObject({ code });
    const closed = ledger.close();
    expect(await isSettled(closed)).toBe(false);
    fail(new Error("the end of the work, which no caller waits for"));
    await closed;
  });

  test("can be called again and waits again", async () => {
    const ledger = new RunLedger("test");
    const { work, end } = openWork();
    const run = ledger.start("k", {}, work);
    const closes = [ledger.close(), ledger.close()];
    expect(await isSettled(closes[1]!)).toBe(false);
    end("done");
    await Promise.all(closes);
    expect(await run).toBe("done");
  });
});
