/** What needs no driver; `openDevice` on the software GPU is tested in that package. */
import { ComputeError } from "@kiln-gpu/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { nullGpu, openNullDevice } from "./null-device.test-support.js";
import { openDevice, withoutFullStop } from "./open-device.js";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("where the platform brings WebGPU itself", () => {
  const stubPlatform = (gpu: Partial<GPU> = nullGpu) => vi.stubGlobal("navigator", { gpu });

  it("opens its adapter, with the features that a compute shader can use", async () => {
    stubPlatform();
    const open = await openDevice();
    expect(open.info.name).toBe("null-backend");
    expect(open.isOwned).toBe(true);
    expect([...open.device.features].sort()).toEqual([
      "core-features-and-limits",
      "shader-f16",
      "subgroup-size-control",
      "subgroups",
      "timestamp-query",
    ]);
    await open.close();
    expect(open.loss).toMatchObject({ code: "device-lost" });
  });

  it.each([
    [{}, {}],
    [{ powerPreference: "low-power" }, { powerPreference: "low-power" }],
    [{ software: true }, { forceFallbackAdapter: true }],
  ] as const)("asks it for an adapter as the options say: %j", async (options, expected) => {
    const requestAdapter = vi.fn(async () => null);
    stubPlatform({ requestAdapter });
    await expect(openDevice(options)).rejects.toMatchObject({
      code: "no-adapter",
      message: expect.stringMatching(/^There is no WebGPU adapter on this machine\./),
    });
    expect(requestAdapter).toHaveBeenCalledWith(expected);
  });

  it("requires further features by name, and names what the adapter lacks", async () => {
    stubPlatform();
    const open = await openDevice({ features: ["float32-filterable", "shader-f16"] });
    expect(open.info.features).toContain("float32-filterable");
    await open.close();
    await expect(openDevice({ features: ["shader-f16", "time-travel", "warp-drive"] })).rejects.toMatchObject({
      code: "no-adapter",
      message: expect.stringMatching(
        /^The adapter "null-backend" lacks what the option "features" requires: "time-travel", "warp-drive"\. It has "/,
      ),
    });
  });

  it("requires the features of a caller's own device too", async () => {
    const device = await openNullDevice();
    const message =
      'The device lacks what the option "features" requires: "shader-f16". It has "core-features-and-limits".';
    for (const given of [device, async () => device]) {
      await expect(openDevice({ device: given, features: ["shader-f16"] })).rejects.toMatchObject({ message });
    }
    device.destroy();
  });

  it("refuses an experiment that the platform does not offer", async () => {
    stubPlatform({
      requestAdapter: async () => {
        const adapter = (await nullGpu.requestAdapter())!;
        Object.defineProperty(adapter, "features", { value: new Set(["shader-f16"]) });
        return adapter;
      },
    });
    for (const experiment of ["subgroup-matrix", "no-robustness"] as const) {
      await expect(openDevice({ experimental: [experiment] })).rejects.toMatchObject({
        code: "no-adapter",
        message: expect.stringContaining(`The experiment "${experiment}" is asked for, but "null-backend" does not`),
      });
    }
  });

  it.each([
    [{ features: "shader-f16" }, '"features" must be a list of names of features; got "shader-f16"'],
    [{ features: [16] }, '"features" must be a list of names of features; got an array of 1'],
    [
      { experimental: "no-robustness" },
      '"experimental" must be a list of "subgroup-matrix" and "no-robustness"; got "no-',
    ],
    [{ experimental: ["f64"] }, '"experimental" must be a list of "subgroup-matrix" and "no-robustness"; got "f64"'],
  ])("refuses what is no list of names: %j", async (options, words) => {
    await expect(openDevice(options as never)).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(words),
    });
  });

  it("takes the adapter only if its name contains the one asked for", async () => {
    stubPlatform();
    await (await openDevice({ adapter: "null" })).close();
    await expect(openDevice({ adapter: "H200" })).rejects.toMatchObject({
      code: "no-adapter",
      message: 'No adapter\'s name contains "H200"; found: "null-backend".',
    });
  });

  it("refuses an adapter that is not a software one if a software GPU is asked for", async () => {
    // As a platform that does not know the wish.
    stubPlatform({ requestAdapter: () => nullGpu.requestAdapter() });
    await expect(openDevice({ software: true })).rejects.toMatchObject({
      code: "no-adapter",
      message: 'A software GPU is asked for, but this platform gives "null-backend".',
    });
  });

  it.each([
    [1, "opens"],
    [2, 'no-adapter: The adapter "null-backend" does not give a device.'],
  ])("asks again once: %i refusals, %s", async (refusals, outcome) => {
    let refused = 0;
    const requestAdapter = async () => {
      const adapter = (await nullGpu.requestAdapter())!;
      if (refused < refusals) {
        refused += 1;
        vi.spyOn(adapter, "requestDevice").mockRejectedValue(new Error("The GPU process is gone."));
      }
      return adapter;
    };
    stubPlatform({ requestAdapter });
    const result = await openDevice().then(
      async (open) => {
        await open.close();
        return "opens";
      },
      ({ code, message }) => `${code}: ${message}`,
    );
    expect(result).toBe(outcome);
  });

  it("warns of an error outside of any run", async () => {
    stubPlatform();
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const open = await openDevice();
    const told = new Promise<Event>((resolve) => open.device.addEventListener("uncapturederror", resolve));
    open.device.createBuffer({ size: 4, usage: 0x0001 | 0x0080 });
    // Dawn prints the error itself where nothing prevents it.
    expect((await told).defaultPrevented).toBe(true);
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.stringMatching(/^Kiln: a WebGPU error outside of any run: .*MapRead/),
    );
    await open.close();
  });
});

describe("both a software GPU and an adapter", () => {
  it("are refused together", async () => {
    await expect(openDevice({ software: true, adapter: "H200" })).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringMatching(/"software" and "adapter" exclude each other; .*"H200"/),
    });
  });
});

describe("a function that opens a device", () => {
  it("gives a device that is destroyed when it is closed, unlike a device itself", async () => {
    const [own, given] = [await openNullDevice(), await openNullDevice()];
    const [opened, adopted] = [await openDevice({ device: async () => own }), await openDevice({ device: given })];
    expect([opened.isOwned, adopted.isOwned]).toEqual([true, false]);
    await opened.close();
    await adopted.close();
    expect(await own.lost).toMatchObject({ reason: "destroyed" });
    expect(adopted.loss).toBeUndefined();
    given.destroy();
  });

  it("is refused by what it resolved with if that is no device", async () => {
    await expect(openDevice({ device: (async () => "a GPU") as never })).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringMatching(
        /^The option "device" must be a GPUDevice or a function that opens one; its function resolved with "a GPU"\.$/,
      ),
    });
  });

  it("rejects with what it throws", async () => {
    const reason = new Error("No GPU today.");
    await expect(openDevice({ device: () => Promise.reject(reason) })).rejects.toBe(reason);
  });
});

describe("an open device", () => {
  const open = async () => await openDevice({ device: async () => await openNullDevice() });
  const loss = new ComputeError("device-lost", "It does not answer.");

  it("tells its loss once, to listeners that were not forgotten", async () => {
    const opened = await open();
    const [told, forgotten] = [vi.fn(), vi.fn()];
    opened.onLoss(told);
    opened.onLoss(forgotten)();
    opened.abandon(loss);
    opened.device.destroy();
    await opened.device.lost;
    expect(opened.loss).toBe(loss);
    expect(told.mock.calls).toEqual([[loss]]);
    expect(forgotten).not.toHaveBeenCalled();
    const late = vi.fn();
    opened.onLoss(late);
    expect(late.mock.calls).toEqual([[loss]]);
  });

  it("that is closed forgets its listeners, if the device itself stays", async () => {
    const device = await openNullDevice();
    const opened = await openDevice({ device });
    const told = vi.fn();
    opened.onLoss(told);
    await opened.close();
    device.destroy();
    await device.lost;
    expect(told).not.toHaveBeenCalled();
    expect(opened.loss).toBeUndefined();
  });

  it("that is abandoned is not destroyed by `close`, but once it has answered", async () => {
    const opened = await open();
    const destroy = vi.spyOn(opened.device, "destroy");
    const reclaimed = new Promise<void>((resolve) => opened.abandon(loss, resolve));
    await opened.close();
    expect(destroy).not.toHaveBeenCalled();
    await reclaimed;
    expect(destroy).toHaveBeenCalledOnce();
  });

  it("that is abandoned is never touched again if it is the caller's own", async () => {
    vi.useFakeTimers();
    const device = await openNullDevice();
    const opened = await openDevice({ device });
    const [destroy, submit] = [vi.spyOn(device, "destroy"), vi.spyOn(device.queue, "submit")];
    opened.beginWait();
    opened.abandon(loss);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(vi.getTimerCount()).toBe(0);
    await opened.close();
    expect([destroy, submit].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
  });

  it("gets work while it is waited for, until it is closed", async () => {
    vi.useFakeTimers();
    const opened = await openDevice({ device: await openNullDevice() });
    const submit = vi.spyOn(opened.device.queue, "submit");
    opened.beginWait();
    vi.advanceTimersByTime(10_000);
    expect(submit).toHaveBeenCalledTimes(2);
    opened.endWait();
    vi.advanceTimersByTime(10_000);
    expect(submit).toHaveBeenCalledTimes(2);
    opened.beginWait();
    await opened.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

it("the reason of a loss ends with one full stop, whether or not the platform's does", () => {
  const messages = ["device was destroyed", "Device hung.", "Reset...\n", ""].map(withoutFullStop);
  expect(messages).toEqual(["device was destroyed", "Device hung", "Reset", ""]);
});
