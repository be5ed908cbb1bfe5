import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { output } from "@kiln-gpu/core";
import { fieldAdd, runFieldAdd } from "@kiln-gpu/kernels";
import { software } from "@kiln-gpu/test-support";
import { hasRedis, RedisServer } from "@kiln-gpu/test-support/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRemoteBackend } from "./open-remote-backend.js";
import { folderStore } from "./payload-store.js";
import { serveQueue } from "./serve-queue.js";

const gpu = { ...software, store: false } as const;

function sumOf(n: number, first = 0) {
  const a = Float32Array.from({ length: n }, (_, i) => first + i);
  return { a, b: a, c: output(Float32Array, n) };
}

describe.skipIf(!hasRedis)("a fleet", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis[Symbol.asyncDispose]());
  const newQueue = () => redis.url(`q-${randomUUID()}`);

  test("runs submitted jobs by priority, tells of their progress, and gives their results by key", async () => {
    const queue = newQueue();
    await using backend = await openPersistentBackend(gpu);
    const early = await serveQueue(queue, { backend });
    await using fleet = await openRemoteBackend(queue);
    await early.close();
    const begun: string[] = [];
    for (const [key, priority] of [
      ["late", 9],
      ["soon", 1],
      ["next", 5],
    ] as const) {
      await fleet.submit(fieldAdd, sumOf(4, priority), { key, priority, onProgress: () => void begun.push(key) });
    }
    await using _worker = await serveQueue(queue, { backend, concurrency: 1 });
    const sums = await Promise.all(["late", "soon", "next"].map((key) => fleet.reattach(key)));
    expect(begun).toEqual(["soon", "next", "late"]);
    expect(sums.map(({ c }) => c![0])).toEqual([18, 2, 10]);
    // The same job again, and nothing is run.
    const again = await fleet.submit(fieldAdd, sumOf(4, 1), { key: "soon" });
    expect([...(await again.results).c]).toEqual([2, 4, 6, 8]);
    expect(backend.stats().runs.started).toBe(3);
  });

  test("keeps large inputs and results in a store, and removes them", async () => {
    const queue = newQueue();
    const folder = await mkdtemp(join(tmpdir(), "kiln-payloads-"));
    try {
      const large = { store: folderStore(folder), storeBytes: 100_000 };
      await using backend = await openPersistentBackend(gpu);
      await using _worker = await serveQueue(queue, { backend, ...large });
      await using fleet = await openRemoteBackend(queue, large);
      const { a, b } = sumOf(50_000);
      expect((await runFieldAdd(fleet, a, b))[49_999]).toBe(99_998);
      await expect.poll(() => readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("says that a worker without the client's store cannot read it", async () => {
    const queue = newQueue();
    const folder = await mkdtemp(join(tmpdir(), "kiln-payloads-"));
    try {
      await using backend = await openPersistentBackend(gpu);
      await using _worker = await serveQueue(queue, { backend });
      await using fleet = await openRemoteBackend(queue, { store: folderStore(folder), storeBytes: 100_000 });
      await expect(fleet.run(fieldAdd, sumOf(50_000))).rejects.toMatchObject({
        code: "invalid-option",
        message: expect.stringMatching(/is in a store, and none is named here/),
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("includes the time in the queue in a run's limit, and in its profile", async () => {
    const queue = newQueue();
    await using backend = await openPersistentBackend(gpu);
    const early = await serveQueue(queue, { backend });
    await using fleet = await openRemoteBackend(queue);
    await early.close();
    await expect(fleet.run(fieldAdd, sumOf(4), { timeoutMs: 50 })).rejects.toMatchObject({ code: "timeout" });
    const profiled = fleet.run(fieldAdd, sumOf(4), { profile: true });
    await using _worker = await serveQueue(queue, { backend });
    const { profile } = await profiled;
    expect(profile.queuedMs).toBeGreaterThan(0);
    expect(profile.totalMs).toBeGreaterThanOrEqual(profile.queuedMs!);
    expect(backend.stats().runs.started).toBe(1);
  });

  test("warns of a Redis that forgets, or evicts", async () => {
    await using risky = await RedisServer.start(["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"]);
    const warnings: string[] = [];
    const onWarning = (warning: Error & { code?: string }) => {
      if (warning.code === "KILN_REDIS") warnings.push(warning.message);
    };
    process.on("warning", onWarning);
    try {
      await using backend = await openPersistentBackend(gpu);
      await using _worker = await serveQueue(risky.url("risky"), { backend });
      await expect.poll(() => warnings.length).toBe(2);
    } finally {
      process.off("warning", onWarning);
    }
    expect(warnings[0]).toMatch(/may lose jobs: it has no append-only file/);
    expect(warnings[1]).toMatch(/it evicts keys \("maxmemory-policy allkeys-lru"\)/);
  });

  test("names a queue without workers, and a Redis that asks for a password", async () => {
    await expect(openRemoteBackend(newQueue(), { openTimeoutMs: 100 })).rejects.toMatchObject({
      code: "no-adapter",
      message: expect.stringMatching(/no worker has served .* within 100 ms; start one with "kiln worker --queue/),
    });
    await using locked = await RedisServer.start(["--user", "default", "on", ">secret", "~*", "&*", "+@all"]);
    const queue = locked.url("locked");
    await expect(openRemoteBackend(queue, { openTimeoutMs: 5000 })).rejects.toMatchObject({
      code: "no-adapter",
      message: expect.stringMatching(/NOAUTH|WRONGPASS/),
    });
    await using backend = await openPersistentBackend(gpu);
    await using _worker = await serveQueue(queue, { backend, redis: { password: "secret" } });
    await using fleet = await openRemoteBackend(queue.replace("//", "//default:secret@"));
    expect([...(await runFieldAdd(fleet, new Float32Array([1]), new Float32Array([2])))]).toEqual([3]);
  });

  test("refuses keys and jobs that are none", async () => {
    const queue = newQueue();
    await using backend = await openPersistentBackend(gpu);
    await using _worker = await serveQueue(queue, { backend });
    await using fleet = await openRemoteBackend(queue);
    for (const [call, message] of [
      [() => fleet.reattach("absent"), /has no job "absent"/],
      [() => fleet.reattach(""), /"key" must be a string of 1 to 200 characters; got ""/],
      [() => fleet.submit(fieldAdd, sumOf(1), { key: "a", priority: -1 }), /"priority" must be a whole number from 0/],
      [() => fleet.submit(fieldAdd, sumOf(1), { key: "a", prio: 1 } as never), /did you mean "priority"/],
    ] as const) {
      await expect(call()).rejects.toMatchObject({ code: "invalid-option", message: expect.stringMatching(message) });
    }
  });
});

test("names the Redis that does not answer, and options that are wrong", async () => {
  await expect(openRemoteBackend("redis://127.0.0.1:1/kernels", { openTimeoutMs: 200 })).rejects.toMatchObject({
    code: "no-adapter",
    message: expect.stringMatching(/no Redis serves redis:\/\/127\.0\.0\.1:1\/kernels \(waited .*ECONNREFUSED/),
  });
  for (const [options, message] of [
    [{ silence: 1 }, /did you mean "silenceMs"/],
    [{ silenceMs: 0 }, /"silenceMs" must be a number above 0; got 0/],
    [{ store: {} }, /"store" must be an object with the functions "put", "get" and "delete"/],
  ] as const) {
    await expect(openRemoteBackend("redis://127.0.0.1:1/kernels", options as never)).rejects.toThrow(message);
  }
  await expect(serveQueue("redis://127.0.0.1:1/kernels", {} as never)).rejects.toThrow(/"backend" must be an open/);
});
