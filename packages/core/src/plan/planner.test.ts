import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Bindings, inout, output, temporary } from "../bindings/bindings.js";
import type { DeviceLimits } from "../contract/compute-backend.js";
import { isComputeError } from "../errors/compute-error.js";
import { defineKernel } from "../kernel/kernel.js";
import type { BindingInfo, ShaderInterface, TypeLayout } from "../shader/shader-interface.js";
import { planRun } from "./plan-run.js";
import { Planner } from "./planner.js";
import type { RunPlan } from "./run-plan.js";

const limits: DeviceLimits = {
  maxBufferSize: 2 ** 30,
  maxStorageBufferBindingSize: 2 ** 30,
  maxUniformBufferBindingSize: 2 ** 16,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBuffersPerShaderStage: 12,
  maxBindGroups: 4,
  maxBindingsPerBindGroup: 1000,
  maxComputeWorkgroupStorageSize: 2 ** 14,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  // Small, so that some plans are split.
  maxComputeWorkgroupsPerDimension: 3,
  minStorageBufferOffsetAlignment: 256,
  minUniformBufferOffsetAlignment: 256,
  maxImmediateSize: 64,
};

const f32: TypeLayout = { kind: "scalar", scalar: "f32", byteLength: 4 };
const floats: TypeLayout = { kind: "array", element: f32, stride: 4, count: 0, byteLength: 0 };
const storage = (name: string, binding: number, access: BindingInfo["access"]): BindingInfo => ({
  name,
  group: 0,
  binding,
  kind: "storage",
  access,
  layout: floats,
});
const shader: ShaderInterface = {
  entryPoint: "main",
  workgroupSize: [4, 1, 1],
  workgroupByteLength: 0,
  bindings: [
    storage("x", 0, "read"),
    { name: "factor", group: 0, binding: 1, kind: "uniform", access: "read", layout: f32 },
    storage("y", 2, "read-write"),
  ],
  unused: [],
  splittable: { group: 0, binding: 3 },
};
const interfaces = { main: shader };

type Values = {
  x: Float32Array;
  factor: number;
  y: ReturnType<typeof output<Float32Array>> | ReturnType<typeof inout<Float32Array>>;
};

const oneWord = fc.float({ noNaN: true });
const values: fc.Arbitrary<Bindings> = fc
  .record({
    length: fc.integer({ min: 0, max: 20 }),
    factor: fc.oneof(oneWord, fc.constant("three" as unknown as number)),
    goesBack: fc.boolean(),
    seed: oneWord,
    reversed: fc.boolean(),
  })
  .map(({ length, factor, goesBack, seed, reversed }) => {
    const data = new Float32Array(length).fill(seed);
    const y = goesBack ? inout(data.slice()) : output(Float32Array, length);
    return reversed ? { y, factor, x: data } : { x: data, factor, y };
  });

/** A plan without what only a planner's later plans share, or the error's text. */
function outcome(plan: () => RunPlan): unknown {
  try {
    const { shape, ...rest } = plan();
    return { ...rest, hasShape: typeof shape === "object" };
  } catch (error) {
    if (!isComputeError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

describe("Planner", () => {
  const kernels = [
    defineKernel({ label: "default threads", wgsl: " " }),
    defineKernel({
      label: "threads by value",
      wgsl: " ",
      threads: ({ factor }) => Math.abs(Math.trunc(Number(factor))) % 50 || 1,
    }),
    defineKernel({
      label: "two passes",
      programs: { main: { wgsl: " " } },
      temporaries: ({ x }) => ({ between: temporary(Float32Array, (x as Float32Array).length) }),
      passes: ({ x }) => [
        { program: "main", bindings: { y: "between" } },
        { program: "main", bindings: { x: "between", factor: (x as Float32Array)[0] ?? 0 } },
      ],
    }),
  ];

  it.each(kernels)("plans every run as planRun does, whatever ran before: $label", (kernel) => {
    fc.assert(
      fc.property(
        fc.array(values, { minLength: 1, maxLength: 12 }),
        fc.option(fc.integer({ min: 0, max: 9 })),
        (runs, groups) => {
          const planner = new Planner(kernel, interfaces, limits);
          for (const bindings of runs) {
            const size = groups === null ? {} : { workgroups: groups };
            const given = outcome(() => planner.plan(bindings, size));
            const expected = outcome(() => planRun({ kernel, interfaces, bindings, size, limits }));
            expect(given).toEqual(expected);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  const kernel = defineKernel<Values>({ label: "k", wgsl: " " });
  const run = (length: number, factor = 2) => ({
    x: new Float32Array(length),
    factor,
    y: output(Float32Array, length),
  });

  it("gives plans that differ in data alone the same shape, and others another", () => {
    const planner = new Planner(kernel, interfaces, limits);
    const { shape } = planner.plan(run(8));
    expect(planner.plan(run(8, 3)).shape).toBe(shape);
    expect(planner.plan(run(9)).shape).not.toBe(shape);
    expect(planner.plan(run(8)).shape).toBe(shape);
  });

  it("plans anew what the caller has changed in place", () => {
    const planner = new Planner(kernel, interfaces, limits);
    const workgroups: [number, number] = [1, 1];
    planner.plan(run(8), { workgroups });
    workgroups[1] = 2;
    expect(planner.plan(run(8), { workgroups }).dispatches[0]!.workgroups).toEqual([1, 2, 1]);
    const passes = [{ program: "main", workgroups: 1 }];
    const changing = new Planner(
      defineKernel({ label: "k", programs: { main: { wgsl: " " } }, passes: () => passes }),
      interfaces,
      limits,
    );
    changing.plan(run(8));
    passes[0]!.workgroups = 2;
    expect(changing.plan(run(8)).dispatches[0]!.workgroups).toEqual([2, 1, 1]);
  });

  it("keeps only a few shapes", () => {
    const planner = new Planner(kernel, interfaces, limits);
    const { shape } = planner.plan(run(1));
    for (const length of [2, 3, 4, 5]) planner.plan(run(length));
    expect(planner.plan(run(1)).shape).not.toBe(shape);
  });

  it("tells -0 from 0 in a pass's own values, which pack to other bits", () => {
    let value = 0;
    const signed = defineKernel({
      label: "k",
      programs: { main: { wgsl: " " } },
      passes: () => [{ program: "main", bindings: { factor: value } }],
    });
    const planner = new Planner(signed, interfaces, limits);
    const bits = () => {
      const { resources } = planner.plan({ x: new Float32Array(4), y: output(Float32Array, 4) });
      const { data } = resources.find(({ name }) => name === "factor")!;
      return new DataView(data!.buffer).getUint32(0, true);
    };
    expect(bits()).toBe(0);
    value = -0;
    expect(bits()).toBe(0x8000_0000);
  });

  it("asks the kernel's own functions once for each run", () => {
    let asked = 0;
    const counting = defineKernel({
      label: "k",
      programs: { main: { wgsl: " " } },
      passes: () => {
        asked += 1;
        return [{ program: "main" }];
      },
    });
    const planner = new Planner(counting, interfaces, limits);
    for (const length of [1, 2, 3, 2, 1]) planner.plan(run(length));
    expect(asked).toBe(5);
  });

  it("refuses one array for two results, in every run", () => {
    const both: ShaderInterface = {
      ...shader,
      bindings: [storage("x", 0, "read"), storage("y", 1, "read-write"), storage("z", 2, "read-write")],
    };
    const planner = new Planner(defineKernel({ label: "k", wgsl: " " }), { main: both }, limits);
    const bindings = (first: Float32Array, second: Float32Array) => ({
      x: new Float32Array(4),
      y: output(Float32Array, 4, { into: first }),
      z: output(Float32Array, 4, { into: second }),
    });
    const [a, b] = [new Float32Array(4), new Float32Array(4)];
    const refused = /`into` of both "y" and "z"/;
    expect(() => planner.plan(bindings(a, a))).toThrow(refused);
    expect(planner.plan(bindings(a, b)).resources).toHaveLength(3);
    expect(() => planner.plan(bindings(b, b))).toThrow(refused);
  });
});

it("checks what no pass binds in every run, however alike it is bound", () => {
  const factor = shader.bindings.find(({ kind }) => kind === "uniform")!;
  const main = { ...shader, bindings: shader.bindings.filter((info) => info !== factor), unused: [factor] };
  const planner = new Planner(defineKernel<Bindings>({ label: "k", wgsl: "" }), { main }, limits);
  const bindings = (value: unknown): Bindings => ({
    x: new Float32Array(4),
    factor: value as number,
    y: output(Float32Array, 4),
  });
  const first = planner.plan(bindings(1));
  expect(planner.plan(bindings(2)).shape).toBe(first.shape);
  expect(() => planner.plan(bindings("three"))).toThrow('"factor" is f32');
});
