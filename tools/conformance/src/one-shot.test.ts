import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { inout } from "@kiln-gpu/core";
import { saxpy } from "@kiln-gpu/kernels";
import { openDevice } from "@kiln-gpu/webgpu";
import { describe, expect, it } from "vitest";
import { conformance } from "./conformance.js";
import { describeProcessExit } from "./process-exit.js";
import { software } from "./suite.js";

conformance({
  name: "one-shot",
  open: openOneShotBackend,
  capabilities: { adoptsDevice: true, keepsResources: false },
  manyRuns: 120,
  isBrief: true,
});

describeProcessExit({ package: "@kiln-gpu/backend-one-shot", open: "openOneShotBackend" });

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
