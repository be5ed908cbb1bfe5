import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingJob, TransportEvent } from "@kiln-gpu/frames";
import { hasRedis, RedisServer } from "@kiln-gpu/test-support/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { JobWorker, type JobWorkerOptions, type Server } from "./job-worker.js";
import { connect, idOfKey, readAddress } from "./queue-address.js";
import { QueueTransport } from "./queue-transport.js";
import { TcpProxy } from "./tcp-proxy.test-support.js";

const reversed: Server["run"] = async ({ parts }) => parts.map((part) => Uint8Array.from(part).reverse());
const echo = ({ parts }: Pick<IncomingJob, "parts">) => [...parts].map((part) => Uint8Array.from(part));

function gate() {
  let open!: () => void;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, resolve: open };
}

const noPrograms: ReadonlyMap<string, Uint8Array> = new Map();

describe.skipIf(!hasRedis)("jobs through a queue", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  function openClient(url: string, options = {}) {
    const transport = new QueueTransport(readAddress("test", url), {
      store: undefined,
      storeBytes: 1 << 23,
      silenceMs: 1000,
      keepMs: 60_000,
      ...options,
    });
    const waiting = new Map<string, (event: TransportEvent) => void>();
    const events: TransportEvent[] = [];
    transport.receive((event) => {
      events.push(event);
      if (event.kind === "failed" || event.kind === "progress") return;
      waiting.get(event.id)?.(event);
    });
    const ended = (id: string) => new Promise<TransportEvent>((resolve) => waiting.set(id, resolve));
    return {
      transport,
      events,
      ended,
      async run(bytes: Uint8Array, { id = randomUUID() as string, programs = noPrograms } = {}) {
        const end = ended(id);
        await transport.send({ id, parts: [bytes], programs });
        const event = await end;
        if (event.kind !== "result") throw new Error(JSON.stringify(event));
        return Buffer.concat(event.parts);
      },
      [Symbol.asyncDispose]: () => transport.close(),
    };
  }

  async function openWorker(url: string, run: Server["run"] = reversed, options: Partial<JobWorkerOptions> = {}) {
    const worker = new JobWorker(
      readAddress("test", url),
      { run },
      {
        store: undefined,
        storeBytes: 1 << 23,
        concurrency: 16,
        maxJobBytes: 1 << 26,
        maxBytesInFlight: 1 << 26,
        lockMs: 1000,
        maxKills: 2,
        keepMs: 60_000,
        onEnd: () => undefined,
        ...options,
      },
    );
    worker.start();
    return Object.assign(worker, { [Symbol.asyncDispose]: () => worker.close() });
  }

  const newUrl = () => redis.url(`q-${randomUUID()}`);

  test("come back with what the worker made of them, small and large", async () => {
    const url = newUrl();
    await using client = openClient(url);
    await using _worker = await openWorker(url);
    for (const length of [0, 1, 32 * 1024, 32 * 1024 + 1, 3_000_000]) {
      const bytes = randomBytes(length);
      expect((await client.run(bytes)).equals(Uint8Array.from(bytes).reverse())).toBe(true);
    }
  });

  test("that are sent together are served together", async () => {
    const url = newUrl();
    await using client = openClient(url);
    const jobs = Array.from({ length: 10 }, (_, i) => client.run(Uint8Array.of(i)));
    const begun: number[] = [];
    await using _worker = await openWorker(url, async ({ parts }) => {
      begun.push(parts[0]![0]!);
      const before = begun.length;
      await undefined;
      return [Uint8Array.of(before, begun.length)];
    });
    const counts = await Promise.all(jobs);
    expect(Math.max(...counts.map((count) => count[1]! - count[0]!))).toBeGreaterThan(0);
  });

  test("under a key that has ended are not served again", async () => {
    const url = newUrl();
    let served = 0;
    await using first = openClient(url);
    await using second = openClient(url);
    await using _worker = await openWorker(url, async ({ parts }) => {
      served += 1;
      return echo({ parts });
    });
    const id = idOfKey("once");
    for (const client of [first, second, first]) expect([...(await client.run(Uint8Array.of(1), { id }))]).toEqual([1]);
    expect(served).toBe(1);
  });

  test("bring each program once, and again when Redis has lost it", async () => {
    const url = newUrl();
    const hash = "f00d";
    const programs = new Map([[hash, Uint8Array.of(7)]]);
    const serve: Server["run"] = async ({ findProgram }) => {
      try {
        return [await findProgram(hash)];
      } catch {
        return [];
      }
    };
    await using client = openClient(url);
    {
      await using _worker = await openWorker(url, serve);
      for (let i = 0; i < 3; i += 1) expect([...(await client.run(new Uint8Array(), { programs }))]).toEqual([7]);
    }
    await client.transport.redis.flushall();
    await using _worker = await openWorker(url, serve);
    expect([...(await client.run(new Uint8Array(), { programs }))]).toEqual([7]);
  });

  test("are taken back while they wait", async () => {
    const url = newUrl();
    const served: number[] = [];
    await using client = openClient(url);
    const id = randomUUID();
    await client.transport.send({ id, parts: [Uint8Array.of(1)], programs: noPrograms });
    await client.transport.cancel(id);
    await using _worker = await openWorker(url, async ({ parts }) => {
      served.push(parts[0]![0]!);
      return echo({ parts });
    });
    await client.run(Uint8Array.of(2));
    expect(served).toEqual([2]);
    expect(client.events).toContainEqual({ kind: "lost", id, reason: "it was taken back" });
  });

  test("are aborted while they run", async () => {
    const url = newUrl();
    await using client = openClient(url);
    const hasBegun = gate();
    const hasAborted = gate();
    await using _worker = await openWorker(url, ({ signal }) => {
      hasBegun.resolve();
      return new Promise((resolve) =>
        signal!.addEventListener("abort", () => {
          hasAborted.resolve();
          resolve([]);
        }),
      );
    });
    const id = randomUUID();
    await client.transport.send({ id, parts: [Uint8Array.of(1)], programs: noPrograms });
    await hasBegun.promise;
    await client.transport.cancel(id);
    await hasAborted.promise;
  });

  test("report progress, and are found again by their key in another process", async () => {
    const url = newUrl();
    const mayEnd = gate();
    await using first = openClient(url);
    await using second = openClient(url);
    await using _worker = await openWorker(url, async ({ parts }) => {
      await mayEnd.promise;
      return echo({ parts });
    });
    const id = idOfKey("render: 7");
    expect(await second.transport.attach(id)).toBe(undefined);
    const firstEnd = first.ended(id);
    await first.transport.send({ id, parts: [Uint8Array.of(7)], programs: noPrograms });
    await expect.poll(() => first.events).toContainEqual({ kind: "progress", id, value: 0 });
    const attached = await second.transport.attach(id);
    mayEnd.resolve();
    await using third = openClient(url);
    for (const end of [firstEnd, attached!.end, third.transport.attach(id).then((late) => late!.end)]) {
      expect(await end).toMatchObject({ kind: "result", parts: [Uint8Array.of(7)] });
    }
  });

  test("get the results whose messages were lost", async () => {
    const url = newUrl();
    await using client = openClient(url);
    const mayEnd = gate();
    await using _worker = await openWorker(url, async ({ parts }) => {
      await mayEnd.promise;
      return echo({ parts });
    });
    const { port } = redis;
    using proxy = await TcpProxy.open(port);
    await using far = openClient(`redis://127.0.0.1:${proxy.port}${new URL(url).pathname}`);
    const runs = [client.run(Uint8Array.of(1)), far.run(Uint8Array.of(2))];
    await expect.poll(() => client.transport.redis.llen(client.transport.keys.job("active"))).toBe(2);
    proxy.stall();
    await client.transport.redis.call("CLIENT", "KILL", "TYPE", "pubsub");
    mayEnd.resolve();
    expect([...(await runs[0]!)]).toEqual([1]);
    proxy.resume();
    expect([...(await runs[1]!)]).toEqual([2]);
  });

  test("survive that Redis is killed, with its append-only file", async () => {
    await using own = await RedisServer.start();
    const url = own.url("killed");
    await using client = openClient(url);
    await using _worker = await openWorker(url);
    const settled: string[] = [];
    const jobs = Array.from({ length: 200 }, async (_, i) => {
      const bytes = randomBytes(i % 10 === 0 ? 50_000 : 16);
      const back = await client.run(bytes);
      expect(back.equals(Uint8Array.from(bytes).reverse())).toBe(true);
      settled.push(String(i));
    });
    await expect.poll(() => settled.length).toBeGreaterThan(20);
    await own.kill();
    await own.start();
    await Promise.all(jobs);
    expect(settled).toHaveLength(200);
  });

  test("survive that Redis is full for a while", async () => {
    await using own = await RedisServer.start(["--maxmemory", "24mb", "--maxmemory-policy", "noeviction"]);
    const url = own.url("full");
    await using client = openClient(url);
    await using _worker = await openWorker(url);
    const admin = connect(readAddress("test", url));
    await admin.set("filler", randomBytes(8 << 20));
    await admin.config("SET", "maxmemory", "4mb");
    const jobs = Array.from({ length: 50 }, async (_, i) => {
      const bytes = randomBytes(i % 10 === 0 ? 50_000 : 16);
      expect((await client.run(bytes)).equals(Uint8Array.from(bytes).reverse())).toBe(true);
    });
    await expect.poll(async () => (await admin.info("errorstats")).includes("errorstat_OOM")).toBe(true);
    await admin.del("filler");
    await admin.config("SET", "maxmemory", "24mb");
    await Promise.all(jobs);
    admin.disconnect();
  });
});
