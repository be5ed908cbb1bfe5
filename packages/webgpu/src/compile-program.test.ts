import type { BindingInfo, ShaderInterface } from "@kiln-gpu/core/backend";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type CompileRequest, compileProgram } from "./compile-program.js";
import { openNullDevice } from "./null-device.test-support.js";
import { type OpenDevice, openDevice } from "./open-device.js";

const wgsl = `
  struct Params { factor: f32, count: u32 }
  override gain: f32 = 1;
  @group(0) @binding(0) var<storage, read> a: array<f32>;
  @group(0) @binding(1) var<storage, read_write> b: array<f32>;
  @group(2) @binding(3) var<uniform> params: Params;
  @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < params.count) { b[id.x] = a[id.x] * params.factor * gain; }
  }`;

const scalar = (name: "f32" | "u32") => ({ kind: "scalar", scalar: name, byteLength: 4 }) as const;
const floats = { kind: "array", element: scalar("f32"), stride: 4, count: 0, byteLength: 0 } as const;
const params = {
  kind: "struct",
  name: "Params",
  members: [
    { name: "factor", offset: 0, layout: scalar("f32") },
    { name: "count", offset: 4, layout: scalar("u32") },
  ],
  byteLength: 8,
} as const;

const bindings: readonly BindingInfo[] = [
  { name: "a", group: 0, binding: 0, kind: "storage", access: "read", layout: floats },
  { name: "b", group: 0, binding: 1, kind: "storage", access: "read-write", layout: floats },
  { name: "params", group: 2, binding: 3, kind: "uniform", access: "read", layout: params },
];

function request(changes: Partial<CompileRequest> = {}, shader: Partial<ShaderInterface> = {}): CompileRequest {
  const entry = {
    entryPoint: "main",
    workgroupSize: [64, 1, 1],
    bindings,
    unused: [],
    splittable: "it is not",
  } as const;
  return {
    label: 'Kernel "scale"',
    wgsl,
    interface: { ...entry, ...shader },
    constants: {},
    split: false,
    immediate: false,
    ...changes,
  };
}

let open: OpenDevice;
beforeEach(async () => {
  open = await openDevice({ device: async () => await openNullDevice() });
});
afterEach(() => open.close());

/** What the device was asked to make layouts of. */
function layoutsAsked() {
  const spy = vi.spyOn(open.device, "createBindGroupLayout");
  return () => spy.mock.calls.map(([{ entries }]) => [...entries]);
}

describe("a program", () => {
  it("has a layout for each group up to the last, as reflection tells", async () => {
    const asked = layoutsAsked();
    const { pipeline, bindGroupLayouts } = await compileProgram(open, request());
    expect(pipeline.label).toBe('Kernel "scale"');
    expect(bindGroupLayouts.map(({ label }) => label)).toEqual([
      'Kernel "scale" group 0',
      'Kernel "scale" group 1',
      'Kernel "scale" group 2',
    ]);
    expect(asked()).toEqual([
      [
        { binding: 0, visibility: 4, buffer: { type: "read-only-storage", minBindingSize: 4 } },
        { binding: 1, visibility: 4, buffer: { type: "storage", minBindingSize: 4 } },
      ],
      [],
      [{ binding: 3, visibility: 4, buffer: { type: "uniform", minBindingSize: 8 } }],
    ]);
  });

  it("that is split binds its grid too", async () => {
    const asked = layoutsAsked();
    const withGrid = `struct Grid { first: vec4u, size: vec4u }
      @group(1) @binding(5) var<uniform> grid: Grid;
      ${wgsl.replace("gain;", "gain + f32(grid.size.x);")}`;
    const split = request({ split: true, wgsl: withGrid }, { splittable: { group: 1, binding: 5 } });
    await compileProgram(open, split);
    const grid = { binding: 5, visibility: 4, buffer: { type: "uniform", minBindingSize: 32 } };
    expect(asked()[1]).toEqual([grid]);
    asked();
    await expect(compileProgram(open, { ...split, split: false })).rejects.toMatchObject({
      code: "shader-compilation",
    });
  });

  it("that has immediates gets room for them, and no binding", async () => {
    const asked = layoutsAsked();
    const pipelineLayout = vi.spyOn(open.device, "createPipelineLayout");
    const shader = {
      bindings: bindings.map((each) => (each.kind === "uniform" ? { ...each, isImmediate: true } : each)),
    };
    const immediate = wgsl.replace("@group(2) @binding(3) var<uniform>", "var<immediate>");
    await compileProgram(open, request({ immediate: true, wgsl: immediate }, shader));
    expect(asked()).toHaveLength(1);
    expect(pipelineLayout.mock.calls[0]![0]).toMatchObject({ immediateSize: 8 });
    // As a buffer, where the text has one.
    await compileProgram(open, request({}, shader));
    expect(asked()).toHaveLength(1 + 3);
    expect(pipelineLayout.mock.calls[1]![0]).not.toHaveProperty("immediateSize");
  });

  it("takes constants by name, and a name that is none is refused", async () => {
    await compileProgram(open, request({ constants: { gain: 2 } }));
    await expect(compileProgram(open, request({ constants: { loss: 2 } }))).rejects.toMatchObject({
      code: "shader-compilation",
      message: expect.stringMatching(/^Kernel "scale" does not make a pipeline: .*"loss"/s),
    });
  });

  it("compiles on this thread if it is asked to, with the same refusals", async () => {
    const [now, later] = [
      vi.spyOn(open.device, "createComputePipeline"),
      vi.spyOn(open.device, "createComputePipelineAsync"),
    ];
    await compileProgram(open, request({ blocking: true }));
    expect([now.mock.calls.length, later.mock.calls.length]).toEqual([1, 0]);
    const wrong = { blocking: true, constants: { loss: 2 } };
    await expect(compileProgram(open, request(wrong))).rejects.toMatchObject({ code: "shader-compilation" });
    await compileProgram(open, request());
    expect(later).toHaveBeenCalledOnce();
  });
});

describe("is refused", () => {
  it("with the device's errors and their lines, if the text does not compile", async () => {
    const error = await compileProgram(open, request({ wgsl: wgsl.replace("a[id.x]", "missing[id.x]") })).catch(
      (e) => e,
    );
    expect(error).toMatchObject({
      code: "shader-compilation",
      diagnostics: [
        { line: 8, message: expect.stringContaining("missing"), source: expect.stringContaining("missing[") },
      ],
    });
    expect(error.message).toMatch(/^Kernel "scale" does not compile:\n/);
  });

  it("if reflection missed a binding", async () => {
    await expect(compileProgram(open, request({}, { bindings: bindings.slice(1) }))).rejects.toMatchObject({
      code: "shader-compilation",
      message: expect.stringMatching(/^Kernel "scale" does not make a pipeline: /),
    });
  });

  it("if reflection found another entry point", async () => {
    await expect(compileProgram(open, request({}, { entryPoint: "other" }))).rejects.toMatchObject({
      code: "shader-compilation",
      message: expect.stringContaining("other"),
    });
  });

  it.each<[string, readonly [number, number, number], RegExp]>([
    ["X", [257, 1, 1], /has workgroups of \[257, 1, 1\]; this device takes at most \[256, 256, 64\]\./],
    ["Y", [1, 257, 1], /has workgroups of \[1, 257, 1\]; this device takes at most \[256, 256, 64\]\./],
    ["Z", [1, 1, 65], /has workgroups of \[1, 1, 65\]; this device takes at most \[256, 256, 64\]\./],
    ["all", [16, 16, 2], /has workgroups of \[16, 16, 2\], 512 invocations; this device takes at most 256\./],
  ])("before it is compiled, if its workgroup is too large: %s", async (_, workgroupSize, message) => {
    const module = vi.spyOn(open.device, "createShaderModule");
    await expect(compileProgram(open, request({}, { workgroupSize }))).rejects.toMatchObject({
      code: "limit-exceeded",
      message: expect.stringMatching(message),
    });
    expect(module).not.toHaveBeenCalled();
  });

  it("never, if its workgroup is as large as it may be", async () => {
    const largest = wgsl.replace("workgroup_size(64)", "workgroup_size(2, 2, 64)");
    await compileProgram(open, request({ wgsl: largest }, { workgroupSize: [2, 2, 64] }));
  });

  it("before it is compiled, if a group's number is too large", async () => {
    const far = [{ ...bindings[0]!, group: 4_000_000_000 }];
    await expect(compileProgram(open, request({}, { bindings: far }))).rejects.toMatchObject({
      code: "limit-exceeded",
      message: 'Kernel "scale" binds "a" in group 4000000000; this device has groups 0 to 3.',
    });
    const next = [{ ...bindings[0]!, group: 4 }];
    await expect(compileProgram(open, request({}, { bindings: next }))).rejects.toMatchObject({
      code: "limit-exceeded",
    });
  });

  it("by the device's loss, before and while it compiles", async () => {
    const compiling = compileProgram(open, request());
    open.device.destroy();
    await expect(compiling).rejects.toMatchObject({ code: "device-lost" });
    const module = vi.spyOn(open.device, "createShaderModule");
    await expect(compileProgram(open, request())).rejects.toBe(open.loss);
    expect(module).not.toHaveBeenCalled();
  });

  it("by its name, if WebGPU throws", async () => {
    const thrown = new TypeError("a call that it does not take");
    vi.spyOn(open.device, "createShaderModule").mockImplementation(() => {
      throw thrown;
    });
    await expect(compileProgram(open, request())).rejects.toMatchObject({
      code: "device-failed",
      message: 'Kernel "scale" failed in WebGPU: a call that it does not take',
      cause: thrown,
    });
  });
});
