import { type Bindings, defineKernel, type Kernel, output, temporary } from "@kiln-gpu/core";
import { expectError, expectSame } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { compileGlsl } from "../support/compile-glsl.js";
import { isBrief, type Suite, useBackend } from "../support/suite.js";

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const named = <T>(prefix: string, count: number, value: (i: number) => T) =>
  Object.fromEntries(range(count).map((i) => [`${prefix}${i}`, value(i)]));

/** The sum of `arrays` storage buffers and `uniforms` uniform buffers, over `groups` bind groups; `y` is one more. */
function sumKernel(arrays: number, uniforms: number, { groups = 1, declared = "", terms = "" } = {}): Kernel {
  const declarations = [
    ...range(arrays).map((i) => `@group(${i % groups}) @binding(${i}) var<storage, read> a${i}: array<f32>;`),
    ...range(uniforms).map((i) => `@group(${i % groups}) @binding(${100 + i}) var<uniform> u${i}: f32;`),
  ];
  const sum = [...range(arrays).map((i) => `a${i}[0]`), ...range(uniforms).map((i) => `u${i}`)].join(" + ");
  return defineKernel<Bindings>({
    label: "sum",
    wgsl: `${declarations.join("\n")}
      ${declared}
      @group(0) @binding(200) var<storage, read_write> y: array<f32>;
      @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x % 1000 == 0 && id.x / 1000 < arrayLength(&y)) { y[id.x / 1000] = f32(id.x) + ${sum || "0"}${terms}; }
      }`,
  });
}

export function describeLimits(suite: Suite): void {
  describe("a limit of the device", () => {
    const backend = useBackend(suite);
    const limits = () => backend().device.limits;
    const ones = (count: number) => named("a", count, () => new Float32Array([1]));
    const numbers = (count: number) => named("u", count, () => 1);
    const y = output(Float32Array, 1);

    /** It must be refused for both ways to compile, with the limit's name. */
    async function expectRefused(kernel: Kernel, bindings: Bindings, ...words: (string | RegExp)[]): Promise<void> {
      await expectError(backend().prepare(kernel), "limit-exceeded", `Kernel "${kernel.label}"`, ...words);
      await expectError(backend().run(kernel, bindings), "limit-exceeded", `Kernel "${kernel.label}"`, ...words);
    }

    it.each([1, 3])("of storage buffers is named, in %i groups", async (groups) => {
      const most = limits().maxStorageBuffersPerShaderStage;
      const within = sumKernel(most - 1, 0, { groups });
      expectSame(
        (await backend().run(within, { ...ones(most - 1), y })).y as Float32Array,
        new Float32Array([most - 1]),
      );
      const words = [`binds ${most + 1} storage buffers`, `at most ${most} `, "maxStorageBuffersPerShaderStage"];
      await expectRefused(sumKernel(most, 0, { groups }), { ...ones(most), y }, ...words);
    });

    it.each([1, 3])("of uniform buffers is named, in %i groups", async (groups) => {
      const most = limits().maxUniformBuffersPerShaderStage;
      const within = sumKernel(0, most, { groups });
      expectSame((await backend().run(within, { ...numbers(most), y })).y as Float32Array, new Float32Array([most]));
      const words = [`binds ${most + 1} uniform buffers`, `at most ${most} `, "maxUniformBuffersPerShaderStage"];
      await expectRefused(sumKernel(0, most + 1, { groups }), { ...numbers(most + 1), y }, ...words);
    });

    it("of a group's or a binding's number is named", async () => {
      const { maxBindGroups, maxBindingsPerBindGroup } = limits();
      const at = (group: number, binding: number) =>
        defineKernel<Bindings>({
          label: "far",
          wgsl: `@group(${group}) @binding(${binding}) var<storage, read_write> y: array<f32>;
            @compute @workgroup_size(1) fn main() { y[0] = 7; }`,
        });
      const last = at(maxBindGroups - 1, maxBindingsPerBindGroup - 1);
      expectSame((await backend().run(last, { y })).y as Float32Array, new Float32Array([7]));
      await expectRefused(at(maxBindGroups, 0), { y }, `"y" in group ${maxBindGroups}`, "maxBindGroups");
      for (const binding of [maxBindingsPerBindGroup, 2 ** 32 - 1]) {
        await expectRefused(at(0, binding), { y }, `"y" at binding ${binding}`, "maxBindingsPerBindGroup");
      }
    });

    it("of a uniform's bytes is named, also before anything is bound", async () => {
      const count = limits().maxUniformBufferBindingSize / 16 + 1;
      const kernel = defineKernel<Bindings>({
        label: "long",
        wgsl: `@group(0) @binding(0) var<uniform> u: array<vec4f, ${count}>;
          @group(0) @binding(1) var<storage, read_write> y: array<f32>;
          @compute @workgroup_size(1) fn main() { y[0] = u[0].x; }`,
      });
      const u = new Float32Array(4 * count);
      await expectRefused(kernel, { u, y }, `"u" with ${16 * count} bytes`, "maxUniformBufferBindingSize");
    });

    it("of a workgroup's size is named", async () => {
      const { maxComputeWorkgroupSizeX, maxComputeWorkgroupSizeZ, maxComputeInvocationsPerWorkgroup: most } = limits();
      const sized = (...size: number[]) =>
        defineKernel<Bindings>({
          label: "wide",
          wgsl: `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
            @compute @workgroup_size(${size}) fn main() { y[0] = 7; }`,
          threads: 1,
        });
      await expectRefused(sized(maxComputeWorkgroupSizeX + 1), { y }, "maxComputeWorkgroupSizeX");
      await expectRefused(sized(1, 1, maxComputeWorkgroupSizeZ + 1), { y }, "maxComputeWorkgroupSizeZ");
      await expectRefused(sized(most, 2), { y }, `${2 * most} invocations`, "maxComputeInvocationsPerWorkgroup");
    });

    it("of workgroup memory is named, whatever decides its size", async () => {
      const most = limits().maxComputeWorkgroupStorageSize;
      const shared = (count: number) =>
        defineKernel<Bindings>({
          label: "shared",
          wgsl: `override count = 1;
            struct Part { flags: array<bool, 3>, at: atomic<u32> }
            var<workgroup> part: Part;
            var<workgroup> s: array<vec4f, count>;
            var<workgroup> unused: array<vec4f, 60000>;
            @group(0) @binding(0) var<storage, read_write> y: array<f32>;
            @compute @workgroup_size(1) fn main() { part.flags[1] = true; s[u32(y[0])].x = 7; y[0] = s[0].x; }`,
          constants: { count },
          threads: 1,
        });
      // A software GPU compiles so much memory for seconds.
      if (!isBrief(suite)) {
        const within = shared(most / 16 - 1);
        expectSame((await backend().run(within, { y })).y as Float32Array, new Float32Array([7]));
      }
      const words = [`${most + 16} bytes of workgroup memory`, `at most ${most} `, "maxComputeWorkgroupStorageSize"];
      await expectRefused(shared(most / 16), { y }, ...words);
    });

    it("is named for SPIR-V and for each program of a kernel", async () => {
      const { maxStorageBuffersPerShaderStage: most, maxComputeWorkgroupStorageSize: bytes } = limits();
      const buffers = range(most).map(
        (i) => `layout(std430, set = 0, binding = ${i}) readonly buffer A${i} { float a${i}[]; };`,
      );
      const glsl = (declared: string, value: string) => `layout(local_size_x = 1) in;
        ${declared}
        layout(std430, set = 1, binding = 0) buffer Y { float y[]; };
        void main() { y[0] = ${value}; }`;
      const sum = range(most).map((i) => `a${i}[0]`);
      const many = { spirv: await compileGlsl(glsl(buffers.join("\n"), sum.join(" + "))) };
      const kernel = defineKernel<Bindings>({ label: "many", ...many });
      await expectRefused(kernel, { ...ones(most), y }, `binds ${most + 1} storage`, "maxStorageBuffersPerShaderStage");
      const shared = { spirv: await compileGlsl(glsl(`shared float s[${bytes / 4 + 1}];`, "s[int(y[1])]")) };
      const large = defineKernel<Bindings>({ label: "large", ...shared });
      await expectRefused(large, { y: output(Float32Array, 2) }, "maxComputeWorkgroupStorageSize");
      const both = defineKernel<Bindings>({
        label: "both",
        programs: {
          small: { wgsl: sumKernel(1, 0).programs.main!.wgsl! },
          many,
        },
        temporaries: () => ({ t: temporary(Float32Array, 1) }),
        passes: () => [
          { program: "small", bindings: { y: "t" } },
          { program: "many", bindings: { a1: "t" } },
        ],
      });
      const { a1: _, ...others } = ones(most);
      await expectRefused(both, { ...others, y }, `Kernel "both", program "many", binds ${most + 1} storage buffers`);
    });

    describe("leaves a kernel that is within all of them", () => {
      const split = 70_000;
      const many = output(Float32Array, split / 1000);
      const expected = (sum: number) => Float32Array.from({ length: split / 1000 }, (_, i) => 1000 * i + sum);

      it("the grid of many workgroups, with every uniform in use", async () => {
        const most = limits().maxUniformBuffersPerShaderStage;
        const run = backend().run(sumKernel(0, most), { ...numbers(most), y: many }, { workgroups: split });
        expectSame((await run).y as Float32Array, expected(most));
      });

      it("the grid of many workgroups, or a reason, with every buffer in use", async () => {
        const { maxUniformBuffersPerShaderStage: uniforms, maxStorageBuffersPerShaderStage: buffers } = limits();
        const arrays = buffers - 1;
        const bindings = { ...ones(arrays), ...numbers(uniforms), y: many };
        const full = sumKernel(arrays, uniforms);
        expectSame(
          (await backend().run(full, { ...bindings, y })).y as Float32Array,
          new Float32Array([buffers + uniforms - 1]),
        );
        const none = [
          /cannot be split because a split needs one more buffer/,
          `all ${uniforms} uniform`,
          `all ${buffers} storage`,
        ];
        if (limits().maxImmediateSize < 32) {
          await expectError(backend().run(full, bindings, { workgroups: split }), "limit-exceeded", ...none);
          return;
        }
        // Twice, and between runs that are whole.
        const runs = [split, 1, split, 1000].map((workgroups) => backend().run(full, bindings, { workgroups }));
        for (const [i, results] of (await Promise.all(runs)).entries()) {
          const whole = expected(buffers - 1 + uniforms);
          if (i % 2 === 1) whole.fill(0, 1);
          expectSame(results.y as Float32Array, whole);
        }
        const own = sumKernel(arrays, uniforms, { declared: "var<immediate> by: f32;", terms: " + by" });
        expectSame(
          (await backend().run(own, { ...bindings, y, by: 1 })).y as Float32Array,
          new Float32Array([buffers + uniforms]),
        );
        await expectError(backend().run(own, { ...bindings, by: 1 }, { workgroups: split }), "limit-exceeded", ...none);
      });

      it("its push constants as a buffer, or a reason", async () => {
        const { maxUniformBuffersPerShaderStage: uniforms, maxStorageBuffersPerShaderStage: buffers } = limits();
        const words = Math.floor(limits().maxImmediateSize / 16) + 1;
        const declared = `struct Push { ${range(words).map((i) => `v${i}: vec4f`)} } var<immediate> push: Push;`;
        const push = named("v", words, (i) => [i, 1, 0, 0]);
        const terms = ` + push.v${words - 1}.y`;
        const bindings = { ...numbers(uniforms), push };
        const free = sumKernel(0, uniforms, { declared, terms });
        for (const workgroups of [1, split]) {
          const { y } = await backend().run(free, { ...bindings, y: many }, { workgroups });
          expectSame(y as Float32Array, workgroups === 1 ? expected(uniforms + 1).fill(0, 1) : expected(uniforms + 1));
        }
        const full = sumKernel(buffers - 1, uniforms, { declared, terms });
        const reason = [
          /needs a buffer for "push", which does not fit this device's immediates/,
          `all ${buffers} storage`,
        ];
        await expectRefused(full, { ...bindings, ...ones(buffers - 1), y }, ...reason);
      });

      it("its push constants from SPIR-V, with every uniform in use", async () => {
        const most = limits().maxUniformBuffersPerShaderStage;
        const blocks = range(most).map(
          (i) => `layout(std140, set = 0, binding = ${i}) uniform U${i} { float u${i}; };`,
        );
        const spirv = await compileGlsl(`layout(local_size_x = 1) in;
          ${blocks.join("\n")}
          layout(std430, set = 1, binding = 0) buffer Y { float y[]; };
          layout(push_constant) uniform Push { vec4 v[2]; } push;
          void main() { y[0] = ${range(most)
            .map((i) => `u${i}`)
            .join(" + ")} + push.v[1].y; }`);
        const kernel = defineKernel<Bindings>({ label: "blocks", spirv });
        const push = {
          v: [
            [1, 2, 3, 4],
            [5, 6, 7, 8],
          ],
        };
        const results = await backend().run(kernel, { ...numbers(most), push, y });
        expect(results.y).toEqual(new Float32Array([most + 6]));
      });
    });
  });
}
