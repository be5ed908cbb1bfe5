import { randomBytes } from "node:crypto";
import { type ComputeBackend, defineKernel, output } from "@kiln-gpu/core";
import { fieldAdd } from "@kiln-gpu/kernels";
import { isLongRun } from "@kiln-gpu/test-support";
import { hasRedis, RedisServer } from "@kiln-gpu/test-support/node";
import { describe, expect, test } from "vitest";
import { NodeScript } from "./node-script.test-support.js";
import { openRemoteBackend, type RemoteBackendOptions } from "./open-remote-backend.js";
import { connect, QueueKeys, readAddress } from "./queue-address.js";
import { TcpProxy } from "./tcp-proxy.test-support.js";

const jobCount = isLongRun ? 1000 : 150;
const repeats = isLongRun ? 5 : 1;
const stallMs = isLongRun ? 30_000 : 2500;
/** Some jobs have more bytes than travel in the queue. */
const lengthOf = (i: number) => (i % 25 === 0 ? 20_000 : 100);

/** Dies with a job whose kernel is called poison, and drains on SIGTERM. */
const workerCode = `
  import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
  import { serveQueue } from "@kiln-gpu/backend-remote";
  import { softwareGpu } from "@kiln-gpu/software-gpu";
  const gpu = await openPersistentBackend({ fallback: softwareGpu, software: true, store: false });
  const backend = Object.create(gpu, {
    device: { value: gpu.device },
    stats: { value: () => gpu.stats() },
    run: {
      value: (kernel, ...rest) => {
        if (kernel.label === "poison") process.kill(process.pid, "SIGKILL");
        return gpu.run(kernel, ...rest);
      },
    },
  });
  const server = await serveQueue(process.env.KILN_QUEUE, { backend, lockMs: 1000, concurrency: 16 });
  process.on("SIGTERM", async () => {
    await server.close();
    await gpu.dispose();
    process.exit(0);
  });
  console.log("ready");`;

const poison = defineKernel({
  label: "poison",
  wgsl: `
    @group(0) @binding(0) var<storage, read_write> x: array<u32>;
    @compute @workgroup_size(1) fn main() { x[0] = 1; }`,
});

const startWorker = (queue: string) => NodeScript.start(workerCode, { KILN_QUEUE: queue });

const openClient = (queue: string, options: RemoteBackendOptions = {}) =>
  openRemoteBackend(queue, { silenceMs: 1000, ...options });

function bindingsOf(i: number) {
  const n = lengthOf(i);
  const a = Float32Array.from({ length: n }, (_, k) => i + k);
  const b = new Float32Array(n).fill(i);
  return { a, b, c: output(Float32Array, n) };
}

function expectSum(c: Float32Array, i: number): void {
  expect(c.length).toBe(lengthOf(i));
  expect(c.every((value, k) => value === i + k + i)).toBe(true);
}

/** Many runs, each of which must come back right, once. */
class Load {
  readonly #settled = new Map<number, number>();
  #longestMs = 0;
  readonly all: Promise<unknown>;

  constructor(backend: ComputeBackend, count = jobCount) {
    const runs = Array.from({ length: count }, async (_, i) => {
      const startMs = performance.now();
      const { c } = await backend.run(fieldAdd, bindingsOf(i));
      this.#settled.set(i, (this.#settled.get(i) ?? 0) + 1);
      this.#longestMs = Math.max(this.#longestMs, performance.now() - startMs);
      expectSum(c, i);
    });
    this.all = Promise.all(runs);
    this.all.catch(() => undefined);
  }

  get settled(): number {
    return this.#settled.size;
  }

  /** Resolves when some runs are back, and most are not. */
  async isInMotion(): Promise<void> {
    await expect.poll(() => this.settled, { interval: 1 }).toBeGreaterThan(jobCount / 20);
    expect(this.settled).toBeLessThan(jobCount);
  }

  async isWhole(): Promise<void> {
    await this.all;
    expect([...this.#settled.values()].every((times) => times === 1)).toBe(true);
    if (isLongRun) console.info(`${expect.getState().currentTestName}: longest wait ${Math.round(this.#longestMs)} ms`);
  }
}

describe.skipIf(!hasRedis)("no run is lost, wrong or settled twice", { repeats: repeats - 1, timeout: 600_000 }, () => {
  test("when one of two workers is killed", async () => {
    await using redis = await RedisServer.start();
    const queue = redis.url("one");
    await using first = await startWorker(queue);
    await using _second = await startWorker(queue);
    await using client = await openClient(queue);
    const load = new Load(client);
    await load.isInMotion();
    await first.end("SIGKILL");
    await load.isWhole();
  });

  test("when all workers are killed, and others come", async () => {
    await using redis = await RedisServer.start();
    const queue = redis.url("all");
    await using first = await startWorker(queue);
    await using second = await startWorker(queue);
    await using client = await openClient(queue);
    const load = new Load(client);
    await load.isInMotion();
    await Promise.all([first.end("SIGKILL"), second.end("SIGKILL")]);
    await using _third = await startWorker(queue);
    await load.isWhole();
  });

  test("when a worker is told to end: it finishes what it has, and exits with 0", async () => {
    await using redis = await RedisServer.start();
    const queue = redis.url("drained");
    await using first = await startWorker(queue);
    await using client = await openClient(queue);
    const load = new Load(client);
    await load.isInMotion();
    expect(await first.end("SIGTERM")).toBe(0);
    await using commands = disposable(queue);
    expect(await commands.redis.llen(new QueueKeys("drained").job("active"))).toBe(0);
    await using _second = await startWorker(queue);
    await load.isWhole();
  });

  test("when Redis is killed, and comes back with its append-only file", async () => {
    await using redis = await RedisServer.start();
    const queue = redis.url("redis");
    await using _worker = await startWorker(queue);
    await using client = await openClient(queue);
    const load = new Load(client);
    await load.isInMotion();
    await redis.kill();
    await redis.start();
    await load.isWhole();
  });

  test("when Redis loses all that it had", async () => {
    await using redis = await RedisServer.start();
    const queue = redis.url("flushed");
    await using _worker = await startWorker(queue);
    await using client = await openClient(queue);
    const load = new Load(client);
    await load.isInMotion();
    await using commands = disposable(queue);
    await commands.redis.flushall();
    await load.isWhole();
  });

  test("when the client is killed: another process gets what it submitted", async () => {
    await using redis = await RedisServer.start();
    const queue = redis.url("client");
    const clientCode = `
      import { openRemoteBackend } from "@kiln-gpu/backend-remote";
      import { output } from "@kiln-gpu/core";
      import { fieldAdd } from "@kiln-gpu/kernels";
      const fleet = await openRemoteBackend(process.env.KILN_QUEUE);
      const lengthOf = ${lengthOf};
      await Promise.all(Array.from({ length: ${jobCount} }, (_, i) => {
        const n = lengthOf(i);
        const a = Float32Array.from({ length: n }, (_, k) => i + k);
        const bindings = { a, b: new Float32Array(n).fill(i), c: output(Float32Array, n) };
        return fleet.submit(fieldAdd, bindings, { key: "job " + i });
      }));
      console.log("ready");`;
    await using worker = await startWorker(queue);
    await using submitter = await NodeScript.start(clientCode, { KILN_QUEUE: queue });
    await submitter.end("SIGKILL");
    await worker.end("SIGKILL");
    await using client = await openClient(queue);
    const results = Array.from({ length: jobCount }, (_, i) => client.reattach(`job ${i}`));
    await using _another = await startWorker(queue);
    for (const [i, { c }] of (await Promise.all(results)).entries()) expectSum(c as Float32Array, i);
  });

  test.each(["client", "worker"])("when the network of the %s stalls", async (side) => {
    await using redis = await RedisServer.start();
    using proxy = await TcpProxy.open(redis.port);
    const [near, far] = [redis.url("stalled"), `redis://127.0.0.1:${proxy.port}/stalled`];
    await using _worker = await startWorker(side === "worker" ? far : near);
    await using client = await openClient(side === "client" ? far : near);
    const load = new Load(client);
    await load.isInMotion();
    proxy.stall();
    await new Promise((resolve) => setTimeout(resolve, stallMs));
    proxy.resume();
    await load.isWhole();
  });

  test("when a job kills each worker that runs it: that job alone fails, by name", async () => {
    await using redis = await RedisServer.start();
    const queue = redis.url("poison");
    let deaths = 0;
    const over = new AbortController();
    const keepWorker = async () => {
      while (!over.signal.aborted) {
        await using worker = await startWorker(queue);
        const isOver = new Promise((resolve) => over.signal.addEventListener("abort", resolve));
        await Promise.race([worker.ended, isOver]);
        if (!over.signal.aborted) deaths += 1;
      }
    };
    const workers = [keepWorker(), keepWorker()];
    try {
      await using client = await openClient(queue);
      const load = new Load(client);
      await expect(client.run(poison, { x: output(Uint32Array, 1) })).rejects.toMatchObject({
        code: "device-failed",
        message: expect.stringMatching(/is poison: its worker died each of the 2 times/),
      });
      await load.isWhole();
    } finally {
      over.abort();
      await Promise.all(workers);
    }
    // A slow machine may lose the job to another worker before it has run, and then it runs alone at once.
    expect([2, 3]).toContain(deaths);
  });

  test("when Redis is full for a while", async () => {
    await using redis = await RedisServer.start(["--maxmemory", "64mb", "--maxmemory-policy", "noeviction"]);
    const queue = redis.url("full");
    await using _worker = await startWorker(queue);
    await using client = await openClient(queue);
    await using commands = disposable(queue);
    await commands.redis.set("filler", randomBytes(16 << 20));
    const load = new Load(client);
    await load.isInMotion();
    await commands.redis.config("SET", "maxmemory", "8mb");
    await expect.poll(async () => (await commands.redis.info("errorstats")).includes("errorstat_OOM")).toBe(true);
    await commands.redis.del("filler");
    await commands.redis.config("SET", "maxmemory", "64mb");
    await load.isWhole();
  });
});

function disposable(queue: string) {
  const redis = connect(readAddress("test", queue));
  return { redis, [Symbol.asyncDispose]: async () => redis.disconnect() };
}
