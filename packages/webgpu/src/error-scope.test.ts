import { afterAll, beforeAll, expect, it } from "vitest";
import { inErrorScope } from "./error-scope.js";
import { openNullDevice } from "./null-device.test-support.js";

let device: GPUDevice;
beforeAll(async () => {
  device = await openNullDevice();
});
afterAll(() => device.destroy());

/** MAP_READ goes with COPY_DST alone. */
const makeMistake = () => device.createBuffer({ size: 4, usage: 0x0001 | 0x0080 });

it("returns what the work returns, and no failure if the device has no objection", async () => {
  const { value, failure } = inErrorScope(device, "validation", () => device.createBuffer({ size: 4, usage: 0x0080 }));
  expect(value.size).toBe(4);
  expect(await failure).toBeNull();
});

it("tells the first of the device's errors", async () => {
  const { failure } = inErrorScope(device, "validation", () => {
    makeMistake();
    device.createBuffer({ size: 4, usage: 0 });
  });
  expect((await failure)?.message).toContain("MapRead");
});

it("lets errors of another kind pass to the scope around it", async () => {
  device.pushErrorScope("validation");
  const { failure } = inErrorScope(device, "out-of-memory", makeMistake);
  const outer = device.popErrorScope();
  expect(await failure).toBeNull();
  expect(await outer).not.toBeNull();
});

it("leaves no scope behind when the work throws", async () => {
  const mistake = new Error("the work's own");
  device.pushErrorScope("validation");
  const work = () => {
    makeMistake();
    throw mistake;
  };
  expect(() => inErrorScope(device, "validation", work)).toThrow(mistake);
  expect(await device.popErrorScope()).toBeNull();
  await expect(device.popErrorScope()).rejects.toThrow();
});
