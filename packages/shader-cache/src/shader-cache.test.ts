import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ShaderCache } from "./shader-cache.js";

const numRuns = 300;

/** A promise that is settled from outside, as a compile is by the device. */
function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}

function setup(maxEntries?: number) {
  const evicted: string[] = [];
  const cache = new ShaderCache<string>({
    ...(maxEntries === undefined ? {} : { maxEntries }),
    onEvict: (value, address) => evicted.push(`${address}=${value}`),
  });
  const put = (address: string) => cache.get(address, async () => address.toUpperCase());
  return { cache, evicted, put };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("ShaderCache", () => {
  it("creates once for all calls, during the creation and after it", async () => {
    const { cache } = setup();
    const { promise, resolve } = deferred<string>();
    let creations = 0;
    const create = () => {
      creations++;
      return promise;
    };
    const waiting = [cache.get("a", create), cache.get("a", create)];
    await settle();
    resolve("A");
    expect(await Promise.all([...waiting, cache.get("a", create)])).toEqual(["A", "A", "A"]);
    expect(creations).toBe(1);
    expect(cache.stats()).toEqual({ made: 1, reused: 2, live: 1, evicted: 0, misses: 1 });
  });

  it("rejects every waiting call with a failure, keeps nothing of it, and creates again", async () => {
    const { cache, put, evicted } = setup();
    const failure = new Error("does not compile");
    const create = async () => {
      throw failure;
    };
    const outcomes = await Promise.allSettled([cache.get("a", create), cache.get("a", create)]);
    expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason)).toEqual([failure, failure]);
    await expect(cache.get("a", create)).rejects.toBe(failure);
    expect(await put("a")).toBe("A");
    expect(cache.stats()).toMatchObject({ made: 1, live: 1, misses: 3, evicted: 0 });
    expect(evicted).toEqual([]);
  });

  it("rejects with what `create` throws before it returns a promise", async () => {
    const { cache } = setup();
    const broken = () => {
      throw new Error("broken");
    };
    await expect(cache.get("a", broken)).rejects.toThrow("broken");
    expect(cache.stats()).toMatchObject({ live: 0, made: 0 });
  });

  it("evicts the least recently used, and `get` and `peek` are uses", async () => {
    const { cache, put, evicted } = setup(3);
    for (const address of ["a", "b", "c"]) await put(address);
    await put("a");
    expect(cache.peek("b")).toBe("B");
    await put("d");
    expect(evicted).toEqual(["c=C"]);
    await put("e");
    expect(evicted).toEqual(["c=C", "a=A"]);
    expect(cache.stats()).toEqual({ made: 5, reused: 2, live: 3, evicted: 2, misses: 5 });
  });

  it("counts no `peek` that finds nothing, even during the creation", async () => {
    const { cache } = setup();
    const { promise, resolve } = deferred<string>();
    const waiting = cache.get("a", () => promise);
    expect([cache.peek("a"), cache.peek("b")]).toEqual([undefined, undefined]);
    resolve("A");
    await waiting;
    expect(cache.peek("a")).toBe("A");
    expect(cache.stats()).toMatchObject({ reused: 1, misses: 1 });
  });

  it("makes room for creations in flight, and never drops them", async () => {
    const { cache, put, evicted } = setup(2);
    await put("a");
    await put("b");
    const flights = ["c", "d", "e"].map((address) => ({ address, ...deferred<string>() }));
    const waiting = flights.map(({ address, promise }) => cache.get(address, () => promise));
    expect(evicted).toEqual(["a=A", "b=B"]);
    for (const { address, resolve } of flights) resolve(address.toUpperCase());
    expect(await Promise.all(waiting)).toEqual(["C", "D", "E"]);
    expect(cache.stats()).toMatchObject({ live: 2, made: 5, evicted: 3 });
  });

  it("drops everything on `clear`, and keeps no value that is created afterwards", async () => {
    const { cache, put, evicted } = setup();
    await put("a");
    const old = deferred<string>();
    const failing = deferred<string>();
    const waiting = [cache.get("b", () => old.promise), cache.get("c", () => failing.promise)] as const;
    cache.clear();
    expect(evicted).toEqual(["a=A"]);
    const fresh = cache.get("b", async () => "fresh");
    const freshC = cache.get("c", async () => "fresh c");
    old.resolve("old");
    failing.reject(new Error("too late"));
    expect(await waiting[0]).toBe("old");
    await expect(waiting[1]).rejects.toThrow("too late");
    expect([await fresh, await freshC]).toEqual(["fresh", "fresh c"]);
    expect([cache.peek("b"), cache.peek("c")]).toEqual(["fresh", "fresh c"]);
    expect(evicted).toEqual(["a=A", "b=old"]);
    expect(cache.stats()).toMatchObject({ made: 4, live: 2, evicted: 2 });
  });

  it("keeps its bound and its counters in any order of calls", async () => {
    const address = fc.constantFrom("a", "b", "c", "d", "e");
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom("get", "peek"), address }),
      fc.record({ kind: fc.constantFrom("resolve", "reject"), pick: fc.nat({ max: 9 }) }),
      fc.record({ kind: fc.constant("clear") }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40, size: "max" }),
        fc.integer({ min: 0, max: 3 }),
        async (steps, maxEntries) => {
          const { cache, evicted } = setup(maxEntries);
          const flights: (ReturnType<typeof deferred<string>> & { address: string })[] = [];
          const inFlight = new Set<object>();
          let created = 0;
          let asked = 0;
          let peeked = 0;
          const finish = async (pick: number, isGood: boolean) => {
            const [flight] = flights.splice(pick % flights.length, 1);
            if (isGood) flight!.resolve(`${flight!.address} made`);
            else flight!.reject(new Error("bad"));
            await settle();
            inFlight.delete(flight!);
          };
          for (const one of steps) {
            if ("address" in one && one.kind === "get") {
              asked++;
              cache
                .get(one.address, () => {
                  const flight = { ...deferred<string>(), address: one.address };
                  flights.push(flight);
                  inFlight.add(flight);
                  created++;
                  return flight.promise;
                })
                .then(
                  (value) => expect(value).toBe(`${one.address} made`),
                  (error: Error) => expect(error.message).toBe("bad"),
                );
              await settle();
            } else if ("address" in one) {
              if (cache.peek(one.address) !== undefined) peeked++;
            } else if ("pick" in one && flights.length > 0) {
              await finish(one.pick, one.kind === "resolve");
            } else if (one.kind === "clear") {
              cache.clear();
              expect(cache.stats().live).toBe(0);
            }
            const stats = cache.stats();
            expect(stats.live).toBeLessThanOrEqual(maxEntries);
            expect(stats.made).toBe(stats.live + stats.evicted);
            expect(stats.evicted).toBe(evicted.length);
            expect(stats.misses).toBe(created);
            expect(stats.reused).toBe(asked - created + peeked);
          }
          while (flights.length > 0) await finish(0, true);
          expect(cache.stats().live).toBeLessThanOrEqual(maxEntries);
        },
      ),
      { numRuns },
    );
  });
});
