import { describe, expect, it } from "vitest";
import { BufferPool } from "./buffer-pool.js";
import { FakeDevice, settle, watch } from "./fake-device.test-support.js";
import { StagingPool } from "./staging-pool.js";
import { downloadUsage, uploadUsage } from "./staging-usage.js";

const upload = { byteLength: 256, usage: uploadUsage };
const download = { byteLength: 256, usage: downloadUsage };

function setup() {
  const device = new FakeDevice();
  const buffers = new BufferPool({ device, byteBudget: 1024 });
  return { device, buffers, staging: new StagingPool(buffers) };
}

describe("StagingPool", () => {
  it("keeps an upload buffer in use until it is mapped again, then lends it mapped", async () => {
    const { device, buffers, staging } = setup();
    const buffer = await buffers.acquire(upload);
    buffer.buffer.unmap();
    staging.recycleUpload(buffer);
    const settled = watch(staging.settled());
    await settle();
    expect(buffers.tryAcquireAll([upload])).toBeUndefined();
    expect([buffers.stats().inUse, settled.isSettled]).toEqual([1, false]);
    device.finishWork();
    await settle();
    expect(settled.isSettled).toBe(true);
    expect(buffers.tryAcquireAll([upload])).toEqual([buffer]);
    expect(buffer.buffer.mapState).toBe("mapped");
  });

  it("waits in `settled` also for buffers that are recycled meanwhile", async () => {
    const { device, buffers, staging } = setup();
    const [a, b] = await buffers.acquireAll([upload, upload]);
    a!.buffer.unmap();
    b!.buffer.unmap();
    staging.recycleUpload(a!);
    const settled = watch(staging.settled());
    device.finishWork();
    staging.recycleUpload(b!);
    await settle();
    expect([buffers.stats().inUse, settled.isSettled]).toEqual([1, false]);
    device.finishWork();
    await settle();
    expect([buffers.stats().inUse, settled.isSettled]).toEqual([0, true]);
  });

  it("destroys an upload buffer that cannot be mapped again, and frees its room", async () => {
    const { device, buffers, staging } = setup();
    const buffer = await buffers.acquire({ ...upload, byteLength: 1024 });
    buffer.buffer.unmap();
    device.isLost = true;
    staging.recycleUpload(buffer);
    await staging.settled();
    expect(buffers.stats()).toMatchObject({ live: 0, bytes: 0 });
    expect(device.live).toBe(0);
  });

  it("destroys an upload buffer that is recycled after the pool was disposed", async () => {
    const { device, buffers, staging } = setup();
    const buffer = await buffers.acquire(upload);
    buffer.buffer.unmap();
    staging.recycleUpload(buffer);
    buffers.dispose();
    device.finishWork();
    await staging.settled();
    expect(device.live).toBe(0);
  });

  it("refuses to recycle a buffer that is being recycled", async () => {
    const { device, buffers, staging } = setup();
    const buffer = await buffers.acquire(upload);
    buffer.buffer.unmap();
    staging.recycleUpload(buffer);
    expect(() => staging.recycleUpload(buffer)).toThrow(/recycled already/);
    device.finishWork();
    await staging.settled();
    expect(buffers.stats().live).toBe(1);
  });

  it("maps for reading, and the buffers stay in use", async () => {
    const { device, buffers, staging } = setup();
    const held = await buffers.acquireAll([download, download]);
    const mapping = staging.map(held, [64, 128]);
    await settle();
    device.finishWork();
    await mapping;
    const memory = staging.mapped(held, [64, 128]);
    expect(memory.map(({ byteLength }) => byteLength)).toEqual([64, 128]);
    staging.unmap(held);
    expect(held.map(({ buffer }) => buffer.mapState)).toEqual(["unmapped", "unmapped"]);
    expect(buffers.stats().inUse).toBe(2);
    buffers.releaseAll(held);
    expect(buffers.tryAcquireAll([download, download])).toEqual(held);
  });

  it("ends a map that is still pending", async () => {
    const { device, buffers, staging } = setup();
    const held = await buffers.acquireAll([download]);
    const mapping = watch(staging.map(held, [64]));
    await settle();
    staging.unmap(held);
    device.finishWork();
    await settle();
    expect(mapping.error).toBeDefined();
    expect(held[0]!.buffer.mapState).toBe("unmapped");
  });
});
