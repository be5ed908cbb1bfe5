import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { reclaimLater } from "./reclaim-device.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/**
 * No device of the tests' own can be brought to this: its driver ends what it works on, and tells nobody who only
 * waits.
 */
class SilentDevice {
  hasEnded = false;
  isDestroyed = false;
  looks = 0;
  #lose!: (info: { reason: string; message: string }) => void;
  readonly lost = new Promise((resolve) => {
    this.#lose = resolve;
  });
  readonly queue = {
    submit: () => {
      if (this.hasEnded) this.#lose({ reason: "unknown", message: "VK_ERROR_DEVICE_LOST" });
    },
  };
  createBuffer() {
    let giveUp = () => {};
    const mapAsync = () =>
      new Promise((_, reject) => {
        this.looks += 1;
        giveUp = () => reject(new Error("unmapped"));
      });
    return { mapAsync, unmap: () => giveUp(), destroy() {} };
  }
  createCommandEncoder() {
    return { clearBuffer() {}, finish() {} };
  }
  destroy() {
    this.isDestroyed = true;
  }
}

it("destroys a device whose driver tells of its loss only to who gives it work", async () => {
  const device = new SilentDevice();
  const onReclaimed = vi.fn();
  reclaimLater(device as unknown as GPUDevice, onReclaimed);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(device.isDestroyed).toBe(false);
  device.hasEnded = true;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(device.isDestroyed).toBe(true);
  expect(onReclaimed).toHaveBeenCalledOnce();
});

it("looks after half a second, then ever less often, at last once a minute, and keeps no process alive", async () => {
  const device = new SilentDevice();
  const timers = vi.spyOn(globalThis, "setTimeout");
  reclaimLater(device as unknown as GPUDevice, vi.fn());
  const looksAfter = async (ms: number) => {
    const before = device.looks;
    await vi.advanceTimersByTimeAsync(ms);
    return device.looks - before;
  };
  expect(await looksAfter(499)).toBe(0);
  expect(await looksAfter(2)).toBe(1);
  // 1, 2, 4, 8, 16 and 32 seconds, and 20 ms for each look.
  expect(await looksAfter(64_000)).toBe(6);
  expect(await looksAfter(10 * 60_100)).toBe(10);
  const pauses = timers.mock.results.map(({ value }) => value as NodeJS.Timeout).filter((timer) => !timer.hasRef());
  expect(pauses).toHaveLength(1 + 6 + 10 + 1);
  timers.mockRestore();
});
