/** Tests of `createDeviceTimer` of @kiln-gpu/webgpu, which lie here because the device is this package's. */
import { bufferUsage, createDeviceTimer, type OpenDevice, openDevice } from "@kiln-gpu/webgpu";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { softwareGpu } from "./software-gpu.js";

let open: OpenDevice;
beforeAll(async () => {
  open = await openDevice({ fallback: softwareGpu, software: true });
});
afterAll(() => open.close());
afterEach(() => {
  vi.restoreAllMocks();
});

test("a timer reads the nanoseconds between two timestamps", async () => {
  const { device } = open;
  const made = vi.spyOn(device, "createBuffer");
  const timer = (await createDeviceTimer(device))!;
  const readable: GPUBuffer = made.mock.results.at(-1)!.value;
  const stamps = device.createBuffer({ size: 16, usage: bufferUsage.copySource | bufferUsage.copyDestination });
  // More than 2^53, as timestamps may be.
  device.queue.writeBuffer(stamps, 0, new BigUint64Array([10n ** 18n + 1n, 10n ** 18n + 1_234_568n]));
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(stamps, 0, readable, 0, 16);
  device.queue.submit([encoder.finish()]);
  expect(await timer.read()).toBe(1_234_567);
  stamps.destroy();
  timer.destroy();
});

describe("there is no timer", () => {
  test("on a device without timestamp queries, and nothing is asked of it", async () => {
    const without = { features: new Set(["subgroups"]) } as unknown as GPUDevice;
    expect(await createDeviceTimer(without)).toBeUndefined();
  });

  test.each<[string, (device: GPUDevice) => void]>([
    [
      "if the device throws",
      (device) => {
        vi.spyOn(device, "createBuffer").mockImplementationOnce(() => {
          throw new RangeError("No memory.");
        });
      },
    ],
    [
      "if the device refuses a part of it",
      (device) => {
        const create = device.createBuffer.bind(device);
        // MAP_READ goes with COPY_DST alone.
        vi.spyOn(device, "createBuffer").mockImplementationOnce(() => create({ size: 16, usage: 0x0001 | 0x0080 }));
      },
    ],
  ])("%s; what was made of it is destroyed, and no error scope stays", async (_, spoil) => {
    const { device } = open;
    const queries = vi.spyOn(device, "createQuerySet");
    spoil(device);
    device.pushErrorScope("validation");
    const creating = createDeviceTimer(device);
    const destroyed = vi.spyOn(queries.mock.results[0]!.value as GPUQuerySet, "destroy");
    expect(await creating).toBeUndefined();
    expect(destroyed).toHaveBeenCalledOnce();
    expect(await device.popErrorScope()).toBeNull();
  });
});
