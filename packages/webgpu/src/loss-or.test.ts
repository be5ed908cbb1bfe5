import { ComputeError } from "@kiln-gpu/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { deviceError } from "./device-error.js";
import { lossOr } from "./loss-or.js";
import { nullGpu, openNullDevice } from "./null-device.test-support.js";
import { openDevice } from "./open-device.js";

const open = async () => await openDevice({ device: await openNullDevice() });
const error = new Error("The map failed.");

describe("a step that fails is reported as", () => {
  it("the loss, if the device is lost already", async () => {
    const opened = await open();
    opened.device.destroy();
    await opened.device.lost;
    expect(await lossOr(opened, error)).toBe(opened.loss);
    expect(opened.loss).toMatchObject({ code: "device-lost" });
  });

  it("the loss, if it is told one turn of the event loop later", async () => {
    const opened = await open();
    // Timers of one delay run in the order in which they were set.
    setTimeout(() => opened.abandon(new ComputeError("device-lost", "Told late.")), 0);
    const reported = lossOr(opened, error);
    expect(await reported).toMatchObject({ code: "device-lost", message: "Told late." });
  });

  it("its own error, if the device lives", async () => {
    const opened = await open();
    expect(await lossOr(opened, error)).toBe(error);
    opened.device.destroy();
  });
});

describe("in a browser, where a loss comes from another process,", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it.each([
    [249, "device-lost"],
    [251, undefined],
  ])("a loss that is told %i ms after the failure gives the code %s", async (afterMs, code) => {
    const opened = await open();
    vi.stubGlobal("navigator", { gpu: nullGpu });
    vi.useFakeTimers();
    const reported = lossOr(opened, error);
    setTimeout(() => opened.abandon(new ComputeError("device-lost", "Told late.")), afterMs);
    await vi.advanceTimersByTimeAsync(300);
    expect(((await reported) as { code?: string }).code).toBe(code);
  });
});

describe("the error of a step on a device", () => {
  it("is the step's own, if that is a ComputeError", async () => {
    const opened = await open();
    const own = new ComputeError("limit-exceeded", "Too much.");
    opened.device.destroy();
    await opened.device.lost;
    expect(await deviceError(opened, 'Kernel "saxpy"', own)).toBe(own);
  });

  it("is the loss, if the device is lost", async () => {
    const opened = await open();
    opened.device.destroy();
    expect(await deviceError(opened, 'Kernel "saxpy"', error)).toBe(opened.loss);
  });

  it.each<[unknown, string]>([
    [error, 'Kernel "saxpy" failed in WebGPU: The map failed.'],
    [new DOMException("", "AbortError"), 'Kernel "saxpy" failed in WebGPU: it gives no reason'],
    ["a text", 'Kernel "saxpy" failed in WebGPU: a text'],
  ])("says what failed, and keeps the cause: %s", async (cause, message) => {
    const opened = await open();
    const told = await deviceError(opened, 'Kernel "saxpy"', cause);
    expect(told).toMatchObject({ code: "device-failed", message });
    expect(told.cause).toBe(cause);
    opened.device.destroy();
  });
});
