import { describe, expect, it } from "vitest";
import { EntryStore } from "./entry-store.js";
import type { StoreBackend, StoredEntry } from "./store-backend.js";

/** A disk that answers when it is told to, and from its waking on at once. */
class SilentBackend implements StoreBackend {
  readonly #answers: (() => void)[] = [];
  asked = 0;
  #isAwake = false;

  wake(): void {
    this.#isAwake = true;
    for (const answer of this.#answers.splice(0)) answer();
  }

  #silence<T>(value: T): Promise<T> {
    this.asked += 1;
    if (this.#isAwake) return Promise.resolve(value);
    return new Promise((resolve) => this.#answers.push(() => resolve(value)));
  }

  read = (): Promise<StoredEntry | undefined> => this.#silence(undefined);
  write = (): Promise<void> => this.#silence(undefined);
  touch = (): Promise<void> => this.#silence(undefined);
  remove = (): Promise<void> => this.#silence(undefined);
  trim = (): Promise<number> => this.#silence(0);
}

describe("a store whose disk is silent", () => {
  it("waits for it once, asks nothing more of it until it has answered, and then uses it again", async () => {
    const backend = new SilentBackend();
    const store = new EntryStore(() => backend, { maxBytes: 2 ** 20, maxWaitMs: 20 });
    const first = [store.read("a", "b"), store.read("a", "c"), store.write("a", "d", 1)];
    await Promise.all(first);
    expect(backend.asked).toBe(3);
    await Promise.all([store.read("a", "b"), store.write("a", "b", 1)]);
    await store.written();
    expect(backend.asked).toBe(3);
    expect(store.stats()).toMatchObject({ hits: 0, misses: 3, writes: 0, failures: 5 });
    expect(store.stats().lastFailure).toBe("The store has not answered for 20 ms.");
    // The write, which nobody has waited for, goes on to its end.
    backend.wake();
    await expect.poll(() => store.stats().writes).toBe(1);
    expect(await store.read("a", "b")).toBeUndefined();
    expect(backend.asked).toBe(5);
    expect(store.stats()).toMatchObject({ misses: 4, failures: 5 });
  });
});

describe("a store in a thread that is busy", () => {
  it("takes no answer for silence that it had no time to hear", async () => {
    const backend = new SilentBackend();
    // As a disk's answers are: heard after the timers that are due.
    backend.read = async () => {
      for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
      return undefined;
    };
    const store = new EntryStore(() => backend, { maxBytes: 2 ** 20, maxWaitMs: 50 });
    const reading = store.read("a", "b");
    // The key is hashed first.
    await new Promise((resolve) => setImmediate(resolve));
    const busyUntil = performance.now() + 100;
    while (performance.now() < busyUntil);
    await reading;
    expect(store.stats()).toMatchObject({ misses: 1, failures: 0 });
  });
});
