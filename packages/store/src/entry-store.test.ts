import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EntryStore } from "./entry-store.js";
import type { StoreBackend, StoredEntry } from "./store-backend.js";

/** A disk that answers nothing until `wake` is called, and everything from then on. */
class SilentBackend implements StoreBackend {
  readonly #answers: (() => void)[] = [];
  calls = 0;
  #isAwake = false;

  wake(): void {
    this.#isAwake = true;
    for (const answer of this.#answers.splice(0)) answer();
  }

  #answer<T>(value: T): Promise<T> {
    this.calls += 1;
    if (this.#isAwake) return Promise.resolve(value);
    return new Promise((resolve) => this.#answers.push(() => resolve(value)));
  }

  read = (): Promise<StoredEntry | undefined> => this.#answer(undefined);
  write = (): Promise<void> => this.#answer(undefined);
  touch = (): Promise<void> => this.#answer(undefined);
  remove = (): Promise<void> => this.#answer(undefined);
  trim = (): Promise<number> => this.#answer(0);
}

/** Keys are hashed before the backend is called. */
const untilCalled = (backend: SilentBackend, calls: number) => expect.poll(() => backend.calls).toBe(calls);

function setup() {
  const backend = new SilentBackend();
  return { backend, store: new EntryStore(() => backend, { maxBytes: 2 ** 20 }) };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

describe("a store whose disk is silent", () => {
  it("waits a second, then asks nothing more before the disk has answered, and then uses it again", async () => {
    const { backend, store } = setup();
    const first = Promise.all([store.read("a", "b"), store.read("a", "c"), store.write("a", "d", 1)]);
    await untilCalled(backend, 3);
    vi.advanceTimersByTime(999);
    expect(store.stats().failures).toBe(0);
    vi.advanceTimersByTime(1);
    await first;
    expect(store.stats()).toMatchObject({ hits: 0, misses: 2, writes: 0, failures: 3 });

    await Promise.all([store.read("a", "b"), store.write("a", "b", 1)]);
    await store.written();
    expect(backend.calls).toBe(3);
    expect(store.stats()).toMatchObject({ hits: 0, misses: 3, writes: 0, failures: 5 });
    expect(store.stats().lastFailure).toBe("The store did not answer within 1000 ms.");

    // The first write, whose caller is gone, goes on to its end.
    backend.wake();
    await expect.poll(() => store.stats().writes).toBe(1);
    expect(await store.read("a", "b")).toBeUndefined();
    expect(backend.calls).toBe(5);
    expect(store.stats()).toMatchObject({ misses: 4, failures: 5 });
  });

  it("leaves no timer behind an answer that came in time", async () => {
    const { backend, store } = setup();
    backend.wake();
    await store.read("a", "b");
    await store.write("a", "b", 1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a store in a thread that is busy", () => {
  it("does not take its own deafness for silence of the disk", async () => {
    const { backend, store } = setup();
    const reading = store.read("a", "b");
    await untilCalled(backend, 1);
    // As after a busy second: the timer that is due fires, once, before the answer is heard.
    vi.runOnlyPendingTimers();
    backend.wake();
    await reading;
    expect(store.stats()).toMatchObject({ misses: 1, failures: 0 });
  });
});
