import { ComputeError } from "@kiln-gpu/core";
import { bufferUsage } from "@kiln-gpu/webgpu";
import { afterEach, describe, expect, it, vi } from "vitest";
import { BufferPool, type BufferPoolOptions } from "./buffer-pool.js";
import { FakeDevice, settle, watch } from "./fake-device.test-support.js";
import type { PooledBuffer } from "./pooled-buffer.js";
import { downloadUsage, uploadUsage } from "./staging-usage.js";

const usage = bufferUsage.storage | bufferUsage.copySource;
const request = (byteLength: number) => ({ byteLength, usage });

function setup(options: Partial<BufferPoolOptions> & { device?: FakeDevice } = {}) {
  const device = options.device ?? new FakeDevice();
  const destroyed: number[] = [];
  const pool = new BufferPool({
    byteBudget: 4096,
    onDestroy: ({ id }) => destroyed.push(id),
    ...options,
    device,
  });
  return { device, pool, destroyed };
}

describe("BufferPool", () => {
  it("lends a buffer of the requested usage and size class", async () => {
    const { pool } = setup();
    const { buffer, byteLength } = await pool.acquire(request(1100));
    expect([byteLength, buffer.size, buffer.usage]).toEqual([1280, 1280, usage]);
  });

  it("lends the buffer of a class that was released last, and creates none", async () => {
    const { pool, device } = setup();
    const [a, b] = (await pool.acquireAll([request(300), request(300)])) as [PooledBuffer, PooledBuffer];
    pool.release(a);
    pool.release(b);
    expect(await pool.acquire(request(500))).toBe(b);
    expect(await pool.acquire(request(257))).toBe(a);
    expect(device.created).toBe(2);
    expect(pool.stats()).toMatchObject({ made: 2, reused: 2, live: 2, inUse: 2 });
  });

  it("gives a buffer of others an ID of its own, and neither counts, lends nor destroys it", async () => {
    const { pool, device, destroyed } = setup();
    const foreign = device.createBuffer({ size: 256, usage });
    const before = pool.stats();
    const adopted = pool.adopt(foreign)!;
    expect(adopted).toMatchObject({ buffer: foreign, byteLength: 256, usage });
    expect(pool.adopt(foreign)).toBeUndefined();
    const own = await pool.acquire(request(256));
    expect(own.buffer).not.toBe(foreign);
    expect(own.id).not.toBe(adopted.id);
    expect(pool.adopt(own.buffer)).toBeUndefined();
    pool.release(own);
    pool.dismiss(adopted);
    expect(destroyed).toEqual([adopted.id]);
    const again = pool.adopt(foreign)!;
    expect(again.id).not.toBe(adopted.id);
    pool.dispose();
    expect(device.live).toBe(1);
    expect(pool.stats()).toMatchObject({ bytes: before.bytes, inUse: before.inUse });
  });

  it("never lends a buffer of another usage", async () => {
    const { pool, device } = setup();
    pool.release(await pool.acquire(request(300)));
    await pool.acquire({ byteLength: 300, usage: bufferUsage.uniform });
    expect(device.created).toBe(2);
  });

  it("gives a repeated request the same buffers in the same order, while another one is in use", async () => {
    const { pool } = setup();
    const shape = [request(256), request(256), request(512), request(256)];
    const first = await pool.acquireAll(shape);
    const second = await pool.acquireAll(shape);
    for (let i = 0; i < 3; i++) {
      pool.releaseAll(first);
      expect(pool.tryAcquireAll(shape)).toEqual(first);
      pool.releaseAll(second);
      expect(await pool.acquireAll(shape)).toEqual(second);
    }
  });

  describe("tryAcquireAll", () => {
    it("takes nothing if one of the buffers is missing, and leaves the order and age of the others", async () => {
      const { pool, destroyed } = setup();
      const shape = [request(256), request(256), request(512)];
      const first = await pool.acquireAll(shape);
      pool.releaseAll(first);
      expect(pool.tryAcquireAll([...shape, request(1024)])).toBeUndefined();
      expect(pool.stats()).toMatchObject({ inUse: 0, inUseBytes: 0, idleBytes: 1024, reused: 0 });
      expect(pool.tryAcquireAll(shape)).toEqual(first);
      pool.releaseAll(first);
      pool.trim();
      expect(destroyed).toEqual([...first].reverse().map(({ id }) => id));
    });

    it("takes nothing while a call waits", async () => {
      const { pool } = setup();
      const held = await pool.acquireAll([request(2048), request(256)]);
      pool.release(held[1]!);
      const waiting = watch(pool.acquire(request(4096)));
      expect(pool.tryAcquireAll([request(256)])).toBeUndefined();
      pool.release(held[0]!);
      await settle();
      expect(waiting.value?.byteLength).toBe(4096);
    });
  });

  describe("the budget", () => {
    it("destroys idle buffers, least recently used first, to make room", async () => {
      const { pool, destroyed, device } = setup();
      const buffers = await pool.acquireAll([request(1024), request(512), request(2048)]);
      for (const index of [1, 0, 2]) pool.release(buffers[index]!);
      await pool.acquire(request(1536));
      expect(destroyed).toEqual([buffers[1]!.id, buffers[0]!.id]);
      expect(device.liveBytes).toBe(2048 + 1536);
    });

    it("is never exceeded, not even while a buffer is created", async () => {
      const { pool, device } = setup();
      const outcomes = [watch(pool.acquire(request(4096))), watch(pool.acquire(request(256)))];
      await settle();
      expect(outcomes.map(({ isSettled }) => isSettled)).toEqual([true, false]);
      expect(device.highWaterBytes).toBe(4096);
      expect(pool.stats()).toMatchObject({ bytes: 4096, highWaterBytes: 4096, waiting: 1 });
    });

    it("serves waiting calls strictly in order, all or nothing", async () => {
      const { pool } = setup();
      const [a, b] = (await pool.acquireAll([request(2048), request(2048)])) as [PooledBuffer, PooledBuffer];
      const large = watch(pool.acquireAll([request(2048), request(1024)]));
      const small = watch(pool.acquire(request(256)));
      pool.release(a);
      await settle();
      expect([large.isSettled, small.isSettled, pool.stats().inUseBytes]).toEqual([false, false, 2048]);
      pool.release(b);
      await settle();
      expect([large.value?.length, small.value?.byteLength]).toEqual([2, 256]);
    });

    it("refuses at once what can never fit, and gives both numbers", async () => {
      const { pool } = setup({ device: new FakeDevice({ maxBufferSize: 3000 }) });
      await expect(pool.acquireAll([request(2048), request(2049)])).rejects.toMatchObject({
        code: "limit-exceeded",
        message: "The memory budget has no room for 2 buffers of 4608 bytes together: byteBudget is 4096 bytes.",
      });
      await expect(setup().pool.acquire(request(5000))).rejects.toMatchObject({
        code: "limit-exceeded",
        message: "The memory budget has no room for a buffer of 5120 bytes: byteBudget is 4096 bytes.",
      });
      await expect(pool.acquire(request(3001))).rejects.toMatchObject({
        code: "limit-exceeded",
        message: expect.stringMatching(/3001 bytes.*3000/),
      });
      expect((await pool.acquire(request(2990))).byteLength).toBe(2992);
    });
  });

  describe("the stall timeout", () => {
    afterEach(() => void vi.useRealTimers());

    it("ends no wait while a buffer is being created, and ends it when nothing is released after that", async () => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
      const stalled = new ComputeError("out-of-memory", "Nothing is released.");
      const { pool, device } = setup({ stallTimeout: { timeoutMs: 100, stallError: () => stalled } });
      device.holdsAnswers = true;
      const creating = watch(pool.acquire(request(4096)));
      const waiting = watch(pool.acquire(request(4096)));
      await settle();
      vi.advanceTimersByTime(1000);
      await settle();
      expect([device.isAsked, waiting.isSettled]).toEqual([true, false]);
      device.answer();
      await settle();
      expect(creating.value?.byteLength).toBe(4096);
      vi.advanceTimersByTime(100);
      await settle();
      expect(waiting.error).toBe(stalled);
    });
  });

  describe("an abort", () => {
    it("ends its call's wait, with the reason as cause, and serves later calls", async () => {
      const { pool } = setup();
      await pool.acquire(request(2048));
      const controller = new AbortController();
      const first = watch(pool.acquire(request(4096), { signal: controller.signal }));
      const second = watch(pool.acquire(request(2048)));
      await settle();
      expect(second.isSettled).toBe(false);
      controller.abort("no longer needed");
      await settle();
      expect(first.error).toMatchObject({ code: "aborted", cause: "no longer needed" });
      expect(second.value?.byteLength).toBe(2048);
    });

    it("releases a buffer that is being created", async () => {
      const { pool } = setup();
      const controller = new AbortController();
      const outcome = watch(pool.acquire(request(256), { signal: controller.signal }));
      await Promise.resolve();
      controller.abort();
      await settle();
      expect(outcome.error).toMatchObject({ code: "aborted" });
      expect(pool.stats()).toMatchObject({ made: 1, inUse: 0, idleBytes: 256 });
    });

    it("before the call takes nothing, not even an idle buffer", async () => {
      const { pool } = setup();
      pool.release(await pool.acquire(request(256)));
      await expect(pool.acquire(request(256), { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: "aborted",
      });
      expect(pool.stats()).toMatchObject({ reused: 0, inUse: 0 });
    });
  });

  describe("when creation fails", () => {
    it.each(["out-of-memory", "range-error"] as const)(
      "with %s once, destroys idle buffers and creates again",
      async (fault) => {
        const { pool, device, destroyed } = setup();
        const idle = await pool.acquire(request(256));
        pool.release(idle);
        device.faults.push(fault);
        expect((await pool.acquire(request(512))).byteLength).toBe(512);
        expect(destroyed).toEqual([idle.id]);
        expect(pool.stats()).toMatchObject({ made: 2, live: 1, bytes: 512 });
        expect(device.live).toBe(1);
      },
    );

    it.each(["out-of-memory", "range-error"] as const)(
      "with %s twice, rejects with the bytes and releases everything",
      async (fault) => {
        const { pool, device } = setup();
        const idle = await pool.acquire(request(256));
        pool.release(idle);
        device.faults.push(undefined, fault, undefined, fault);
        await expect(pool.acquireAll([request(256), request(512), request(1024)])).rejects.toMatchObject({
          code: "out-of-memory",
          message: expect.stringContaining("2 buffers of 1536 bytes"),
          cause: expect.anything(),
        });
        expect(device.live).toBe(1);
        expect(pool.tryAcquireAll([request(256)])).toEqual([idle]);
        expect(pool.stats()).toMatchObject({
          made: 1,
          live: 1,
          bytes: 256,
          highWaterBytes: 256,
          inUseBytes: 256,
          reused: 1,
        });
      },
    );

    it("serves a call that waits for the room of a failed creation", async () => {
      const { pool, device } = setup();
      device.faults.push("out-of-memory", "out-of-memory");
      const failing = watch(pool.acquire(request(4096)));
      const waiting = watch(pool.acquire(request(4096)));
      await settle();
      expect(failing.error).toMatchObject({ code: "out-of-memory" });
      expect(waiting.value?.byteLength).toBe(4096);
    });

    it.each([
      ["validation", /WebGPU refuses to create a buffer: .*not valid/],
      ["type-error", /called wrongly/],
    ] as const)("with %s, rejects with the reason and does not try again", async (fault, message) => {
      const { pool, device } = setup();
      device.faults.push(undefined, fault);
      await expect(pool.acquireAll([request(256), request(256)])).rejects.toThrow(message);
      expect([device.live, device.faults.length, device.openScopes]).toEqual([0, 0, 0]);
      expect(pool.stats()).toMatchObject({ made: 0, live: 0, bytes: 0 });
    });

    it("because the device is lost, rejects with `device-lost` and leaves no error scope open", async () => {
      const { pool, device } = setup();
      device.isLost = true;
      await expect(pool.acquire(request(256))).rejects.toMatchObject({ code: "device-lost" });
      expect([device.live, device.openScopes, pool.stats().bytes]).toEqual([0, 0, 0]);
    });
  });

  it("leaves no error scope open across an await", async () => {
    const { pool, device } = setup();
    const outcome = watch(pool.acquireAll([request(256), request(512)]));
    for (let i = 0; i < 20 && !outcome.isSettled; i++) {
      expect(device.openScopes).toBe(0);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(outcome.value).toHaveLength(2);
  });

  describe("release", () => {
    it("rejects a second release of the same buffer", async () => {
      const { pool } = setup();
      const buffer = await pool.acquire(request(256));
      pool.release(buffer);
      expect(() => pool.release(buffer)).toThrow(/not in use/);
      expect(() => pool.discard(buffer)).toThrow(/not in use/);
      expect(pool.stats()).toMatchObject({ idleBytes: 256, inUseBytes: 0 });
    });

    it("rejects a buffer of another pool", async () => {
      const [one, other] = [setup().pool, setup().pool];
      const buffer = await one.acquire(request(256));
      await other.acquire(request(256));
      expect(() => other.release(buffer)).toThrow(/not in use/);
    });

    it("keeps mapped upload buffers and unmapped download buffers, and destroys the others", async () => {
      const { pool, device } = setup();
      const requests = [uploadUsage, uploadUsage, downloadUsage, downloadUsage].map((of) => ({
        byteLength: 256,
        usage: of,
      }));
      const buffers = await pool.acquireAll(requests);
      expect(buffers.map(({ buffer }) => buffer.mapState)).toEqual(["mapped", "mapped", "unmapped", "unmapped"]);
      buffers[1]!.buffer.unmap();
      void buffers[3]!.buffer.mapAsync(1);
      pool.releaseAll(buffers);
      expect(device.live).toBe(2);
      expect(pool.tryAcquireAll([requests[0]!, requests[2]!])).toEqual([buffers[0], buffers[2]]);
    });

    it("never lends a discarded buffer again, and gives its room to a waiting call", async () => {
      const { pool, device, destroyed } = setup();
      const buffer = await pool.acquire(request(4096));
      const waiting = watch(pool.acquire(request(4096)));
      pool.discard(buffer);
      await settle();
      expect(destroyed).toEqual([buffer.id]);
      expect(waiting.value?.id).not.toBe(buffer.id);
      expect(device.live).toBe(1);
    });
  });

  describe("trim", () => {
    it("destroys the least recently used until few enough bytes are idle", async () => {
      const { pool, destroyed } = setup();
      const buffers = await pool.acquireAll([request(256), request(512), request(1024)]);
      for (const buffer of buffers) pool.release(buffer);
      pool.trim(1024);
      expect(destroyed).toEqual([buffers[0]!.id, buffers[1]!.id]);
      pool.trim();
      expect(pool.stats()).toMatchObject({ live: 0, bytes: 0, highWaterBytes: 1792 });
    });

    describe("by time", () => {
      afterEach(() => void vi.useRealTimers());

      it("destroys at the next release what was idle for `maxIdleMs`, and nothing younger", async () => {
        const { pool, destroyed } = setup({ maxIdleMs: 100 });
        const [a, b, c] = await pool.acquireAll([request(256), request(512), request(1024)]);
        vi.useFakeTimers({ toFake: ["performance"] });
        pool.release(a!);
        vi.advanceTimersByTime(60);
        pool.release(b!);
        vi.advanceTimersByTime(39);
        pool.trim(Number.POSITIVE_INFINITY);
        expect(destroyed).toEqual([]);
        vi.advanceTimersByTime(1);
        pool.release(c!);
        expect(destroyed).toEqual([a!.id]);
        vi.advanceTimersByTime(60);
        pool.trim(Number.POSITIVE_INFINITY);
        expect(destroyed).toEqual([a!.id, b!.id]);
      });
    });
  });

  describe("dispose", () => {
    it("destroys idle buffers, rejects waiting calls, and destroys a buffer in use when it is released", async () => {
      const { pool, device } = setup();
      const [held, idle] = (await pool.acquireAll([request(2048), request(256)])) as [PooledBuffer, PooledBuffer];
      pool.release(idle);
      const waiting = watch(pool.acquire(request(4096)));
      pool.dispose();
      pool.dispose();
      await settle();
      expect(waiting.error).toMatchObject({ code: "disposed" });
      expect(device.live).toBe(1);
      pool.release(held);
      expect(device.live).toBe(0);
      expect(pool.tryAcquireAll([])).toBeUndefined();
      await expect(pool.acquire(request(256))).rejects.toMatchObject({ code: "disposed" });
    });

    it("rejects waiting and later calls with the given reason", async () => {
      const { pool } = setup();
      const held = await pool.acquire(request(2048));
      const waiting = watch(pool.acquire(request(4096)));
      const reason = new ComputeError("device-lost", "The device is gone.");
      pool.dispose(reason);
      pool.dispose();
      await settle();
      expect(waiting.error).toBe(reason);
      await expect(pool.acquire(request(256))).rejects.toBe(reason);
      pool.release(held);
    });

    it("destroys a buffer that is being created", async () => {
      const { pool, device } = setup();
      const outcome = watch(pool.acquire(request(256)));
      pool.dispose();
      await settle();
      expect(outcome.error).toMatchObject({ code: "disposed" });
      expect([device.created, device.live, pool.stats().bytes]).toEqual([1, 0, 0]);
    });
  });
});
