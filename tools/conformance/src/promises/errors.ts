import {
  type Bindings,
  type ComputeErrorCode,
  defineKernel,
  inout,
  type Kernel,
  output,
  temporary,
} from "@kiln-gpu/core";
import { fieldAdd } from "@kiln-gpu/kernels";
import { expectError, expectSame, isBrowser, software } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

const kernel = defineKernel<Bindings>({
  label: "scale",
  wgsl: `struct Params { factor: f32, count: u32 }
    @group(0) @binding(0) var<uniform> params: Params;
    @group(0) @binding(1) var<storage, read> a: array<f32>;
    @group(0) @binding(2) var<storage, read_write> c: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < params.count) { c[id.x] = params.factor * a[id.x]; }
    }`,
});

const right = { params: { factor: 2, count: 3 }, a: new Float32Array([1, 2, 3]), c: output(Float32Array, 3) };

const invalidBindings: readonly [what: string, change: Record<string, unknown>, expected: RegExp][] = [
  ["an unknown name", { d: 1 }, /no binding "d".*"params", "a", "c"/],
  ["a missing one", { a: undefined }, /binds "a".*missing/],
  ["null", { a: null }, /"a"/],
  ["null for a uniform", { params: null }, /"params"/],
  ["a number for an array", { a: 5 }, /"a".*array<f32>.*typed array; got 5/],
  ["a list for an array", { a: [1, 2, 3] }, /"a".*array<f32>.*typed array; got an array of 3/],
  ["an array of another type", { a: new Uint32Array(3) }, /"a".*array<f32>.*Float32Array.*Uint32Array/],
  ["an array of doubles", { a: new Float64Array(3) }, /"a".*array<f32>.*Float32Array.*Float64Array/],
  ["a DataView", { a: new DataView(new ArrayBuffer(12)) }, /"a".*array<f32>.*Float32Array.*DataView/],
  ["an output of another type", { c: output(Int32Array, 3) }, /"c".*array<f32>.*Float32Array.*Int32Array/],
  ["no result", { c: new Float32Array(3) }, /returns nothing: "c" is given a Float32Array.*output.*inout/],
  ["a number for the only result", { c: 3 }, /returns nothing: "c" is given 3\..*output.*inout/],
  ["a long text", { a: "x".repeat(1e6) }, /"a".*typed array; got "x{40}…" \(a string of 1000000 characters\)/],
  ["an output of length -1", { c: output(Float32Array, -1) }, /length of output "c".*whole number.*got -1/],
  ["an output of length 1.5", { c: output(Float32Array, 1.5) }, /length of output "c".*whole number.*got 1\.5/],
  ["an output of length NaN", { c: output(Float32Array, Number.NaN) }, /length of output "c".*whole number.*got NaN/],
  ["an output of no typed array", { c: output(Array as never, 3) }, /"c".*typed array's constructor/],
  ["an inout of no typed array", { c: inout([1, 2, 3] as never) }, /"c" must be a typed array; got an array of 3/],
  ["an output for a uniform", { params: output(Float32Array, 2) }, /"params".*uniform.*only reads.*an output/],
  ["a number for a struct", { params: 2 }, /"params".*Params.*got 2/],
  ["a struct without a member", { params: { factor: 2 } }, /"params".*lacks.*"count".*u32/],
  ["a struct with another member", { params: { factor: 2, count: 1, n: 1 } }, /"params".*"n".*"factor", "count"/],
  ["a negative u32", { params: { factor: 2, count: -1 } }, /"params\.count".*u32.*-1/],
  ["a fractional u32", { params: { factor: 2, count: 1.5 } }, /"params\.count".*u32.*1\.5/],
  ["a u32 of 2^32", { params: { factor: 2, count: 2 ** 32 } }, /"params\.count".*u32.*4294967296/],
  ["a string for an f32", { params: { factor: "2", count: 1 } }, /"params\.factor".*f32.*2/],
];

export function describeErrors(suite: Suite): void {
  describe("a mistake in a run", () => {
    const backend = useBackend(suite);

    it.each(invalidBindings)("of binding %s names what was given and expected", async (_, change, expected) => {
      const run = backend().run(kernel, { ...right, ...change } as Bindings);
      await expectError(run, "invalid-binding", expected);
    });

    it("of binding nothing at all is refused", async () => {
      for (const bindings of [{}, undefined, null]) {
        await expectError(backend().run(kernel, bindings as unknown as Bindings), "invalid-binding", /"scale"/);
      }
    });

    it("of binding more than the device supports names both sizes", async () => {
      const { maxBufferSize, maxStorageBufferBindingSize, maxUniformBufferBindingSize } = backend().device.limits;
      const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
      const c = output(Float32Array, most / 4 + 1);
      await expectError(
        backend().run(kernel, { ...right, c }),
        "limit-exceeded",
        /"c"/,
        `${most + 4} bytes`,
        `${most} `,
      );
      const count = maxUniformBufferBindingSize / 16 + 1;
      const uniform = defineKernel({
        label: "uniform",
        wgsl: `@group(0) @binding(0) var<uniform> list: array<vec4f, ${count}>;
          @group(0) @binding(1) var<storage, read_write> c: array<f32>;
          @compute @workgroup_size(1) fn main() { c[0] = list[0].x; }`,
      });
      const list = new Float32Array(count * 4);
      await expectError(
        backend().run(uniform, { list, c: right.c }),
        "limit-exceeded",
        /"list"/,
        "maxUniformBufferBindingSize",
      );
    });

    it("of a workgroup larger than the device supports names both sizes", async () => {
      const { maxComputeInvocationsPerWorkgroup: most } = backend().device.limits;
      const wide = defineKernel({
        label: "wide",
        wgsl: `@group(0) @binding(0) var<storage, read_write> c: array<f32>;
          @compute @workgroup_size(${most}, 2) fn main() { c[0] = 1; }`,
        threads: () => 1,
      });
      await expectError(
        backend().run(wide, { c: right.c }),
        "limit-exceeded",
        /"wide"/,
        `${most * 2}`,
        `at most ${most}`,
      );
    });

    it.each([
      [{ timeoutMs: 0 }, /"timeoutMs" must be .* above 0, or Infinity.*got 0/],
      [{ timeoutMs: -5 }, /got -5/],
      [{ timeoutMs: Number.NaN }, /got NaN/],
      [{ timeoutMs: "10" as unknown as number }, /got "10"/],
      [{ signal: {} as AbortSignal }, /AbortSignal/],
      [{ signal: null as unknown as AbortSignal }, /AbortSignal/],
    ])("in the options %o is refused", async (options, expected) => {
      await expectError(backend().run(kernel, right, options), "invalid-option", /"scale"/, expected);
    });

    it.each([2 ** 31, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY])(
      "is not a timeout of %d ms",
      async (timeoutMs) => {
        expectSame((await backend().run(kernel, right, { timeoutMs })).c, new Float32Array([2, 4, 6]));
      },
    );

    it("leaves the backend as it was", async () => {
      expectSame((await backend().run(kernel, right)).c, new Float32Array([2, 4, 6]));
    });
  });

  describe("a mistake in a kernel", () => {
    const backend = useBackend(suite);
    const wgsl = kernel.programs.main!.wgsl!;
    const refuse = (attempt: Promise<unknown> | (() => unknown), ...words: RegExp[]) =>
      expectError(attempt, "invalid-kernel", ...words);

    it("is refused in defineKernel if it shows there", async () => {
      await refuse(() => defineKernel({ label: "", wgsl }), /label/);
      await refuse(() => defineKernel({ label: "k" } as never), /"k".*one source.*neither/);
      await refuse(
        () => defineKernel({ label: "k", wgsl, spirv: new Uint8Array(4) } as never),
        /"k".*one source.*both/,
      );
      await refuse(() => defineKernel({ label: "k", wgsl: 5 } as never), /"k".*string; got 5/);
      await refuse(() => defineKernel({ label: "k", spirv: [3] } as never), /"k".*Uint8Array.*got an array of 1/);
      await refuse(() => defineKernel({ label: "k", programs: {}, passes: () => [] }), /"k".*no program/);
    });

    it("is refused by the run if it shows only there", async () => {
      const passes = (definition: object) =>
        defineKernel({ label: "k", programs: { one: { wgsl } }, passes: () => [{ program: "one" }], ...definition });
      await refuse(backend().run(passes({ passes: () => [{ program: "two" }] }), right), /"k".*"two".*"one"/);
      await refuse(
        backend().run(passes({ temporaries: () => ({ a: temporary(Float32Array, 3) }) }), right),
        /"k".*binding and a temporary.*"a"/,
      );
      await refuse(
        backend().run(passes({ passes: () => [{ program: "one", bindings: { a: "c" } }] }), right),
        /"k".*"c".*"a" and as "c".*once/,
      );
      const two = passes({ passes: () => [{ program: "one" }, { program: "one" }] });
      await expectError(backend().run(two, right, { workgroups: 1 }), "invalid-option", /"k".*2 passes.*workgroups/);
      await expectError(
        backend().run(passes({ passes: () => [{ program: "one", bindings: { a: "missing" } }] }), right),
        "invalid-binding",
        /"missing".*missing/,
      );
    });

    it("is refused by name if defineKernel did not make the kernel", async () => {
      for (const kernel of [{ label: "k", wgsl }, null, "k", undefined]) {
        await refuse(backend().run(kernel as never, right), /^Expected a kernel made by defineKernel; got /);
        await refuse(backend().prepare(kernel as never), /^Expected a kernel made by defineKernel; got /);
      }
    });

    it("calls the kernel's functions only with bindings that exist", async () => {
      const sized = defineKernel({ label: "k", wgsl, threads: ({ a }) => (a as Float32Array).length });
      const { a: _, ...others } = right;
      for (const bindings of [others, { ...others, A: right.a }, { ...others, a: null as never }]) {
        await expectError(backend().run<Kernel, Bindings>(sized, bindings), "invalid-binding", /"k".*"a"/);
      }
    });

    it("is named if a function returns an invalid value", async () => {
      const programs = { main: { wgsl } };
      const late = defineKernel({ label: "k", wgsl, threads: (async () => 3) as never });
      await expectError(backend().run(late, right), "invalid-kernel", /"k".*`threads` returned a promise/);
      const none = defineKernel({ label: "k", programs, passes: () => undefined as never });
      await expectError(backend().run(none, right), "invalid-kernel", /"k".*`passes` must return an array of passes/);
    });

    it("that throws in the kernel's function rejects with the function's name and the cause", async () => {
      const mistake = new RangeError("a mistake of the caller's");
      const fail = () => {
        throw mistake;
      };
      const programs = { main: { wgsl } };
      const kernels = {
        threads: defineKernel({ label: "k", wgsl, threads: fail }),
        passes: defineKernel({ label: "k", programs, passes: fail }),
        temporaries: defineKernel({ label: "k", programs, passes: () => [{ program: "main" }], temporaries: fail }),
      };
      for (const [name, thrower] of Object.entries<Kernel>(kernels)) {
        const error = await backend()
          .run(thrower, right)
          .catch((reason: unknown) => reason);
        const message = `Kernel "k": its function \`${name}\` threw RangeError: a mistake of the caller's`;
        expect(error).toMatchObject({ name: "ComputeError", code: "invalid-kernel", message, cause: mistake });
      }
      expectSame((await backend().run(kernel, right)).c, new Float32Array([2, 4, 6]));
    });
  });

  describe("a kernel that needs a feature of the device", () => {
    const backend = useBackend(suite);

    it("is refused by the feature's name where the device does not have it", async () => {
      const half = defineKernel<Bindings>({
        label: "half",
        wgsl: `enable f16;
          @group(0) @binding(0) var<storage, read_write> y: array<u32>;
          @compute @workgroup_size(1) fn main() { y[0] = u32(2.0h); }`,
      });
      const run = () => backend().run(half, { y: output(Uint32Array, 1) });
      if (backend().device.features.includes("shader-f16")) return expectSame((await run()).y, new Uint32Array([2]));
      const words =
        /Kernel "half" needs the feature "shader-f16" for `enable f16`; .* does not have it\. Its features: /;
      await expectError(run(), "unsupported-shader", words);
      await expectError(backend().prepare(half), "unsupported-shader", words);
    });
  });

  describe("opening", () => {
    const refuse = async (options: object, code: ComputeErrorCode, ...words: RegExp[]) =>
      expectError(suite.open(options), code, ...words);

    const chooses = suite.capabilities.choosesAdapter !== false;

    it.runIf(chooses)("a missing adapter says so", async () => {
      // On a machine with Vulkan, a process that has opened the software GPU finds no other GPU.
      const reason = /"No such GPU"|it has opened a software GPU/;
      await refuse({ fallback: software.fallback, adapter: "No such GPU" }, "no-adapter", reason);
    });

    // A browser has its own software GPU.
    it.runIf(chooses && !isBrowser)("without a software GPU says what to pass", async () => {
      await refuse({ software: true }, "no-adapter", /fallback.*softwareGpu/);
    });

    it.runIf(chooses && !isBrowser)(
      "rejects if the software GPU cannot start, and works again afterwards",
      async () => {
        const fallback = { name: "none", locate: () => Promise.reject(new Error("no such driver")) };
        await expect(suite.open({ software: true, fallback })).rejects.toThrow("no such driver");
        const backend = await suite.open(software);
        const one = new Float32Array([1]);
        expect((await backend.run(fieldAdd, { a: one, b: one, c: output(Float32Array, 1) })).c[0]).toBe(2);
        await backend.dispose();
      },
    );
  });
}
