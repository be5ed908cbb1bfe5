import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { output, type TraceEvent } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { expectError, expectNothingLive, expectSame } from "@kiln-gpu/test-support";
import { gpus } from "@kiln-gpu/webgpu";
import { describe, expect, test } from "vitest";
import { type MultiGpuOptions, openMultiGpuBackend } from "./open-multi-gpu-backend.js";
import { useTwoGpus, uuidA, uuidB } from "./two-gpus.test-support.js";

useTwoGpus();
const open = (options: MultiGpuOptions = {}) => openMultiGpuBackend({ fallback: softwareGpu, ...options });
const a = Float32Array.from({ length: 1000 }, (_, i) => i);
const b = a.map((value) => value * 3);

describe("opens", () => {
  test("all GPUs, and runs on each of them at once", async () => {
    const gpu = await open();
    expect(gpu.name).toBe("multi-gpu");
    expect(gpu.gpus).toEqual(await gpus({ fallback: softwareGpu }));
    expect(gpu.gpus.map(({ uuid }) => uuid).sort()).toEqual([uuidA, uuidB].sort());
    expect(gpu.device.name).toMatch(/^2 × swiftshader/);
    const sums = await Promise.all(Array.from({ length: 10 }, () => runFieldAdd(gpu, a, b)));
    for (const sum of sums) expectSame(sum, fieldAddReference(a, b));
    const { runs, devices, gpus: each } = gpu.stats();
    expect({ runs, made: devices.made }).toEqual({
      runs: { started: 10, completed: 10, failed: 0, pending: 0, retried: 0 },
      made: 2,
    });
    expect(each.map((stats) => [stats.gpu, stats.runs.completed])).toEqual(gpu.gpus.map((info) => [info, 5]));
    await gpu.dispose();
    expectNothingLive(gpu);
  });

  test("those that are named, in that order", async () => {
    await using gpu = await open({ gpus: [uuidB, `GPU-${uuidA}`] });
    expect(gpu.gpus.map(({ uuid }) => uuid)).toEqual([uuidB, uuidA]);
    await using one = await open({ gpus: [gpu.gpus[0]!.index] });
    expect(one.gpus).toEqual([gpu.gpus[0]]);
    expectSame(await runFieldAdd(one, a, b), fieldAddReference(a, b));
  });

  test("beside a persistent backend on one of them", async () => {
    await using one = await openPersistentBackend({ gpu: uuidA, fallback: softwareGpu });
    await using both = await open();
    expectSame(await runFieldAdd(one, a, b), await runFieldAdd(both, a, b));
  });
});

describe("refuses", () => {
  test.each<[object, string | RegExp]>([
    [{ gpus: [] }, '"gpus" must be "all" or a list of one or more GPUs; got an array of 0.'],
    [{ gpus: "some" }, '"gpus" must be "all" or a list'],
    [{ gpus: ["H200"] }, 'The option "gpu" must be the UUID'],
    [{ gpus: [undefined] }, 'The option "gpu" must be the UUID'],
    [{ gpus: [0, 0] }, '"gpus" names the GPU 0, "SwiftShader Device (Subzero)", twice.'],
    [{ gpu: 0 }, 'openMultiGpuBackend has no option "gpu"; "gpus" says which GPUs it opens.'],
    [{ adapter: "SwiftShader" }, 'no option "adapter"'],
    [{ software: true }, 'no option "software"'],
    [{ maxPipelines: 0 }, '"maxPipelines" must be'],
    [{ byteBudgets: 5 }, '"byteBudgets"'],
  ])("%o", async (options, message) => {
    await expectError(open(options as MultiGpuOptions), "invalid-option", message);
  });

  test("a GPU that is not there, with those that are", async () => {
    await expectError(open({ gpus: [0, 2] }), "no-adapter", "No GPU has the index 2; found: 0 is", uuidA, uuidB);
  });
});

test("a trace tells the GPUs apart", async () => {
  const events: TraceEvent[] = [];
  const gpu = await open({ tracer: { record: (event) => events.push(event) } });
  await Promise.all([runFieldAdd(gpu, a, b), runFieldAdd(gpu, a, b)]);
  await gpu.dispose();
  const runs = events.filter(({ kind }) => kind === "run");
  expect(runs.map(({ backend }) => backend).sort()).toEqual(["persistent on GPU 0", "persistent on GPU 1"]);
});

test("compiles a prepared kernel on every GPU", async () => {
  await using gpu = await open();
  await gpu.prepare(fieldAdd);
  const made = () => gpu.stats().gpus.map(({ pipelines }) => pipelines.made);
  const before = made();
  expect(Math.min(...before)).toBeGreaterThan(0);
  await Promise.all(Array.from({ length: 4 }, () => gpu.run(fieldAdd, { a, b, c: output(Float32Array, 1000) })));
  expect(made()).toEqual(before);
});
