import { defineKernel, output } from "@kiln-gpu/core";
import { bytesOf } from "@kiln-gpu/core/backend";
import { expectError, expectSame } from "@kiln-gpu/test-support";
import { beforeAll, describe, expect, it } from "vitest";
import { compileGlsl } from "../support/compile-glsl.js";
import { type Suite, useBackend } from "../support/suite.js";

const wgsl = /* wgsl */ `
override scale: f32 = 2;
@id(7) override mode: u32 = 0;
override negate = false;
@id(300) override width: u32 = 64;
@group(0) @binding(0) var<storage, read_write> c: array<f32>;

fn value(i: u32) -> f32 { return select(scale, -scale, negate) * f32(i + 1) + f32(mode * 1000); }

@compute @workgroup_size(width) fn linear(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&c)) { c[id.x] = value(id.x); }
}
@compute @workgroup_size(width) fn square(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&c)) { c[id.x] = value(id.x) * value(id.x); }
}`;

type Constants = Readonly<Record<string, number | boolean>>;

const kernelOf = (entryPoint: string, constants: Constants = {}) =>
  defineKernel({ label: "program", wgsl, entryPoint, constants });

const c = output(Float32Array, 100);
const expected = (value: (i: number) => number) => Float32Array.from({ length: 100 }, (_, i) => value(i));

export function describePrograms(suite: Suite): void {
  describe("a program that binds no result", () => {
    const backend = useBackend(suite);
    const main = (body: string, declared = "") =>
      `${declared} @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { ${body} }`;

    it("is compiled, and its errors are found", async () => {
      const alone = ["", "_ = id;", "workgroupBarrier();"].map((body) => main(body));
      const reading = main("_ = x[id.x];", "@group(0) @binding(0) var<storage> x: array<f32>;");
      for (const wgsl of [...alone, reading]) await backend().prepare(defineKernel({ label: "alone", wgsl }));
      const wrong = defineKernel({ label: "wrong", wgsl: main("missing();") });
      await expectError(backend().prepare(wrong), "shader-compilation", /"wrong".*missing/s);
    });

    it("is not run for nothing", async () => {
      const alone = defineKernel({ label: "alone", wgsl: main(""), threads: 1 });
      await expectError(backend().run(alone, {}), "invalid-binding", /"alone" returns nothing.*output.*resident array/);
    });
  });

  describe("one source", () => {
    const backend = useBackend(suite);
    let spirv: Uint32Array;
    beforeAll(async () => {
      spirv = await compileGlsl(`
        layout(local_size_x = 32) in;
        layout(constant_id = 3) const uint repeat = 7;
        layout(constant_id = 4) const bool negate = false;
        layout(std430, set = 0, binding = 0) buffer C { float c[]; };
        void main() {
          uint i = gl_GlobalInvocationID.x;
          if (i < c.length()) { c[i] = float(repeat * (i + 1)); if (negate) c[i] = -c[i]; }
        }`);
    });

    it("with other constants or another entry point gives other results, even at the same time", async () => {
      const cases = [
        [kernelOf("linear"), expected((i) => 2 * (i + 1))],
        [kernelOf("square"), expected((i) => (2 * (i + 1)) ** 2)],
        [kernelOf("linear", { scale: 3 }), expected((i) => 3 * (i + 1))],
        [kernelOf("linear", { mode: 4 }), expected((i) => 2 * (i + 1) + 4000)],
        [kernelOf("linear", { 7: 5 }), expected((i) => 2 * (i + 1) + 5000)],
        [kernelOf("linear", { negate: true, scale: 0.5 }), expected((i) => -0.5 * (i + 1))],
        [kernelOf("square", { negate: true, 7: 1, width: 1 }), expected((i) => (1000 - 2 * (i + 1)) ** 2)],
        [kernelOf("linear", { 300: 100 }), expected((i) => 2 * (i + 1))],
      ] as const;
      for (let round = 0; round < 2; round += 1) {
        const results = await Promise.all(cases.map(([kernel]) => backend().run(kernel, { c })));
        for (const [i, [, wanted]] of cases.entries()) expectSame(results[i]!.c, wanted);
      }
    });

    it("in SPIR-V takes specialization constants by name and by id", async () => {
      const run = async (constants: Constants) =>
        (await backend().run(defineKernel({ label: "specialized", spirv, constants }), { c })).c;
      expectSame(
        await run({}),
        expected((i) => 7 * (i + 1)),
      );
      expectSame(
        await run({ 3: 11 }),
        expected((i) => 11 * (i + 1)),
      );
      expectSame(
        await run({ repeat: 13, 4: true }),
        expected((i) => -13 * (i + 1)),
      );
      expectSame(
        await run({ negate: true }),
        expected((i) => -7 * (i + 1)),
      );
    });

    it("lists its entry points and constants if an unknown one is requested", async () => {
      const run = (kernel: ReturnType<typeof kernelOf>) => backend().run(kernel, { c });
      await expectError(run(defineKernel({ label: "two", wgsl })), "invalid-kernel", /2 compute.*"linear".*"square"/);
      await expectError(run(kernelOf("cubic")), "invalid-kernel", /"cubic".*"linear"/);
      await expectError(run(kernelOf("linear", { bias: 1 })), "invalid-kernel", /"bias".*"scale".*"mode" \(7\)/);
      await expectError(run(kernelOf("linear", { mode: 1, 7: 1 })), "invalid-kernel", /"mode" twice/);
      await expectError(run(kernelOf("linear", { mode: -1 })), "invalid-kernel", /"mode".*u32.*-1/);
      await expectError(run(kernelOf("linear", { mode: 1.5 })), "invalid-kernel", /"mode".*u32.*1\.5/);
      await expectError(run(kernelOf("linear", { negate: 1 })), "invalid-kernel", /"negate".*bool/);
      await expectError(run(kernelOf("linear", { scale: Number.NaN })), "invalid-kernel", /"scale".*f32.*NaN/);
      const unset = defineKernel({
        label: "unset",
        wgsl: `override n: u32; @group(0) @binding(0) var<storage, read_write> c: array<f32>;
          @compute @workgroup_size(1) fn main() { c[0] = f32(n); }`,
      });
      await expectError(run(unset), "invalid-kernel", /"n".*no default/);
    });
  });

  describe("a shader that does not compile", () => {
    const backend = useBackend(suite);
    const wgslOf = (term: string) => `@group(0) @binding(0) var<storage, read_write> c: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  c[id.x] = 1.0 + ${term};
}`;
    const broken = defineKernel({ label: "broken", wgsl: wgslOf("missing") });
    const mended = defineKernel({ label: "broken", wgsl: wgslOf("2.0") });

    it("rejects every time with the source line, and nothing of it is kept", async () => {
      for (let i = 0; i < 2; i += 1) {
        for (const attempt of [backend().run(broken, { c }), backend().prepare(broken)]) {
          const { message } = await expectError(attempt, "shader-compilation", /"broken"/, "missing");
          const lines = message.split("\n");
          const at = lines.findIndex((line) => /^ *\^+$/.test(line));
          expect(lines[at - 1]?.slice(lines[at]!.indexOf("^"))).toMatch(/^missing;/);
        }
      }
      const [first, second, third] = await Promise.allSettled([
        backend().run(broken, { c }),
        backend().run(mended, { c }),
        backend().run(broken, { c }),
      ]);
      expect([first.status, third.status]).toEqual(["rejected", "rejected"]);
      expectSame((second as PromiseFulfilledResult<{ c: Float32Array }>).value.c, new Float32Array(100).fill(3));
    });

    it("in the device's pipeline rejects with the device's reason", async () => {
      const kernel = (divisor: number) =>
        defineKernel({
          label: "divided",
          wgsl: `override divisor: i32; @group(0) @binding(0) var<storage, read_write> c: array<f32>;
            @compute @workgroup_size(1) fn main() { c[0] = f32(12 / divisor); }`,
          constants: { divisor },
        });
      for (let i = 0; i < 2; i += 1) {
        const error = await expectError(backend().run(kernel(0), { c }), "shader-compilation", "divided", /12 \/ 0/);
        expect(error.cause).toBeDefined();
      }
      expect((await backend().run(kernel(4), { c })).c[0]).toBe(3);
    });

    it("is refused by the name of a feature that WebGPU lacks", async () => {
      const refuse = (source: string, ...words: RegExp[]) =>
        expectError(
          backend().run(defineKernel({ label: "odd", wgsl: source }), { c }),
          "unsupported-shader",
          /"odd"/,
          ...words,
        );
      await refuse("@vertex fn main() -> @builtin(position) vec4f { return vec4f(); }", /no compute entry point/);
      await refuse(
        `@group(0) @binding(0) var image: texture_2d<f32>;
         @compute @workgroup_size(1) fn main() { _ = textureDimensions(image); }`,
        /"image".*texture_2d.*storage and uniform/,
      );
      const words = await compileGlsl(`layout(local_size_x = 1) in;
        layout(std430, set = 0, binding = 0) buffer C { double c[]; };
        void main() { c[0] = 1.0LF; }`);
      const wide = defineKernel({ label: "wide", spirv: words });
      await expectError(backend().run(wide, { c }), "unsupported-shader", /Float64/);
    });

    it("is refused if its bytes are not SPIR-V", async () => {
      const kernel = (spirv: Uint8Array) => defineKernel({ label: "bytes", spirv });
      const good = await compileGlsl("layout(local_size_x = 1) in; void main() {}");
      const bytes = bytesOf(good);
      await expectError(backend().run(kernel(new Uint8Array(64)), { c }), "invalid-kernel", /magic|SPIR-V/);
      await expectError(backend().run(kernel(bytes.slice(0, bytes.length - 8)), { c }), "invalid-kernel", /SPIR-V/);
      await expectError(backend().run(kernel(bytes.slice(0, bytes.length - 3)), { c }), "invalid-kernel", /SPIR-V/);
    });
  });
}
