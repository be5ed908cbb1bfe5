import { type ComputeError, defineKernel, type Kernel, output } from "@kiln-gpu/core";
import { spin, spinBindings } from "@kiln-gpu/test-support";
import { expect, test } from "vitest";
import { withLosses } from "./device/losses.test-support.js";
import { usingBackend } from "./using-backend.test-support.js";

const copy: Kernel = defineKernel({
  label: "copy",
  wgsl: `@group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = x[id.x]; }` as string,
});
const wrong: Kernel = defineKernel({
  label: "wrong",
  wgsl: `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(1) fn main() { y[0] = unknown; }` as string,
});
const x = new Float32Array(64);
const right = () => ({ x, y: output(Float32Array, 64) });

/** Expects that `ownCall` rejects with `code`, and that its own frame is the first one of the stack. */
async function expectOwnFrame(code: ComputeError["code"], call: () => Promise<unknown>): Promise<void> {
  const error = await (async function ownCall() {
    await call();
  })().catch((reason: ComputeError) => reason);
  expect(error).toMatchObject({ name: "ComputeError", code });
  const { message, stack } = error!;
  expect(stack!.startsWith(`ComputeError: ${message}\n`), stack).toBe(true);
  const [first] = stack!.slice(`ComputeError: ${message}\n`.length).split("\n");
  expect(first, stack).toContain("caller-frames.test.ts");
}

test("an error found at the call begins at the caller", async () => {
  await usingBackend(async (gpu) => {
    await expectOwnFrame("invalid-binding", async () => await gpu.run(copy, null as never));
    await expectOwnFrame("invalid-kernel", async () => await gpu.prepare({} as Kernel));
    await expectOwnFrame("invalid-option", async () => await gpu.array(new Float64Array(4) as never));
    await expectOwnFrame("invalid-option", async () => await gpu.array(Float32Array, -1));
    await expectOwnFrame("invalid-option", async () => await gpu.stage(Float32Array, -1));
    await expectOwnFrame("invalid-kernel", async () => await gpu.tune(copy, right()));
    await expectOwnFrame("aborted", async () => await gpu.run(copy, right(), { signal: AbortSignal.abort() }));
  });
});

test("an error of a cold run, a warm run and a compilation begins at the caller", async () => {
  await usingBackend(async (gpu) => {
    await expectOwnFrame("invalid-binding", async () => await gpu.run(copy, { x }));
    await gpu.run(copy, right());
    await expectOwnFrame("invalid-binding", async () => await gpu.run(copy, { x }));
    await expectOwnFrame("shader-compilation", async () => await gpu.run(wrong, { y: output(Float32Array, 1) }));
    await expectOwnFrame("shader-compilation", async () => await gpu.prepare(wrong));
  });
});

test("two callers of one compilation each find their own frame", async () => {
  await usingBackend(async (gpu) => {
    const failing = async () => await gpu.run(wrong, { y: output(Float32Array, 1) });
    await Promise.all([
      expectOwnFrame("shader-compilation", async () => await failing()),
      expectOwnFrame("shader-compilation", async () => await failing()),
    ]);
  });
});

test("an error of a recording begins in its `build`, or at the caller", async () => {
  await usingBackend(async (gpu) => {
    await expectOwnFrame("invalid-binding", async () => await gpu.record({}, (run) => run(copy, null as never)));
    const record = async () => await gpu.record({ x }, (run, parameters) => run(copy, { x: parameters.x } as never));
    await expectOwnFrame("invalid-binding", record);
    const y = await gpu.array(Float32Array, 64);
    const sequence = await gpu.record({ x }, (run, parameters) => run(copy, { x: parameters.x, y } as never));
    const replay = async () => await sequence.replay({ x: new Float32Array(3) });
    await expectOwnFrame("invalid-binding", replay);
    sequence.dispose();
    await expectOwnFrame("disposed", async () => await sequence.replay({ x }));
    y.dispose();
  });
});

test("an error of an access to an array begins at the caller", async () => {
  await usingBackend(async (gpu) => {
    const y = await gpu.array(x);
    const other = await gpu.array(Int32Array, 64);
    await expectOwnFrame("invalid-option", async () => await y.read({ start: 100 }));
    await expectOwnFrame("invalid-option", async () => await y.lease({ start: 100 }));
    await expectOwnFrame("invalid-option", async () => await y.write(x, 100));
    await expectOwnFrame("invalid-option", async () => await y.copyFrom(other as never));
    y.dispose();
    other.dispose();
    await expectOwnFrame("disposed", async () => await y.read());
  });
});

test("a run that ends early begins at the caller", async () => {
  await usingBackend(async (gpu) => {
    await expectOwnFrame("timeout", async () => await gpu.run(spin, spinBindings, { timeoutMs: 1 }));
    const controller = new AbortController();
    setTimeout(() => controller.abort());
    // Between two timers of one time, Node runs what the first has settled inside functions of its own.
    setTimeout(() => {});
    const { signal } = controller;
    await expectOwnFrame("aborted", async () => await gpu.run(spin, spinBindings, { signal }));
  });
});

test("runs that were lost with their device each begin at their caller", async () => {
  await withLosses(
    async (gpu, lose) => {
      const runs = [1, 2].map(() => expectOwnFrame("device-lost", async () => await gpu.run(copy, right())));
      lose();
      await Promise.all(runs);
    },
    { lossRetries: 0 },
  );
});

test("every call on a disposed backend begins at the caller", async () => {
  await usingBackend(async (gpu) => {
    await gpu.dispose();
    await expectOwnFrame("disposed", async () => await gpu.run(copy, right()));
    await expectOwnFrame("disposed", async () => await gpu.array(x));
    await expectOwnFrame("disposed", async () => await gpu.prepare(copy));
  });
});
