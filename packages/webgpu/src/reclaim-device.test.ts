import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { reclaimLater } from "./reclaim-device.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** No device of the tests' own can be brought to this: its driver ends what it works on, and tells nobody who only waits. */
class SilentDevice {
  hasEnded = false;
  isDestroyed = false;
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
