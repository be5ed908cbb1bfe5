import { expect, it } from "vitest";
import { inErrorScope } from "./error-scope.js";
import { openNullDevice } from "./null-device.test-support.js";
import { submissionError } from "./submission-error.js";

it("says what the device refused, and keeps its refusal", async () => {
  const device = await openNullDevice();
  const buffer = device.createBuffer({ size: 4, usage: 0x0008 });
  buffer.destroy();
  const { failure } = inErrorScope(device, "validation", () => {
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(buffer);
    device.queue.submit([encoder.finish()]);
  });
  const refusal = (await failure)!;
  const error = submissionError('Kernel "saxpy"', refusal);
  expect(error.code).toBe("invalid-kernel");
  expect(error.message).toMatch(/^Kernel "saxpy" was refused by the device at its submission: .*destroyed/s);
  expect(error.message).toBe(error.message.trim());
  expect(error.cause).toBe(refusal);
  device.destroy();
});
