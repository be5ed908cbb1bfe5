import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { DeviceNudge } from "./nudge-device.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Counts how often it is given something, and takes nothing. */
function refusingDevice() {
  const createBuffer = vi.fn(() => {
    throw new Error("It takes nothing.");
  });
  return { device: { createBuffer } as unknown as GPUDevice, createBuffer };
}

it("gives a device work for as long as it is waited for, whether it takes it or not", () => {
  const { device, createBuffer } = refusingDevice();
  const nudge = new DeviceNudge(device);
  nudge.beginWait();
  nudge.beginWait();
  vi.advanceTimersByTime(10_000);
  nudge.endWait();
  vi.advanceTimersByTime(5000);
  expect(createBuffer).toHaveBeenCalledTimes(3);
  nudge.endWait();
  vi.advanceTimersByTime(60_000);
  expect(createBuffer).toHaveBeenCalledTimes(3);
  expect(vi.getTimerCount()).toBe(0);
});

it("gives a device that has ended nothing", () => {
  const { device, createBuffer } = refusingDevice();
  const nudge = new DeviceNudge(device);
  nudge.beginWait();
  nudge.end();
  nudge.beginWait();
  vi.advanceTimersByTime(60_000);
  expect(createBuffer).not.toHaveBeenCalled();
});
