import { inout } from "@kiln-gpu/core";
import { saxpy } from "@kiln-gpu/kernels";
import { software } from "@kiln-gpu/test-support";
import { openDevice } from "@kiln-gpu/webgpu";
import { describe, expect, it } from "vitest";
import { openOneShotBackend } from "./index.js";

describe("an input of a one-shot run", () => {
  it("that is taken away while the device opens rejects the run by name", async () => {
    let x = new Float32Array(0);
    const device = async () => {
      structuredClone(x.buffer, { transfer: [x.buffer] });
      return (await openDevice(software)).device;
    };
    const backend = await openOneShotBackend({ device });
    x = new Float32Array(64);
    const run = backend.run(saxpy, { alpha: 1, x, y: inout(new Float32Array(64)) });
    await expect(run).rejects.toMatchObject({
      code: "invalid-binding",
      message: expect.stringMatching(/"x".*256 bytes/),
    });
    await backend.dispose();
  });
});
