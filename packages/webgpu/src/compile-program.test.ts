import type { PipelineLayout } from "@kiln-gpu/core/backend";
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

const buffers: PipelineLayout["buffers"] = [
  { group: 0, binding: 0, type: "read-only-storage", minByteLength: 4 },
  { group: 0, binding: 1, type: "storage", minByteLength: 4 },
  { group: 2, binding: 3, type: "uniform", minByteLength: 8 },
];

function request(changes: Partial<CompileRequest> = {}, layout: Partial<PipelineLayout> = {}): CompileRequest {
  return {
    label: 'Kernel "scale"',
    wgsl,
    interface: { entryPoint: "main", bindings: [] },
    constants: {},
    layout: { buffers, immediateByteLength: 0, ...layout },
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

  it("that has immediates gets room for them, and no binding", async () => {
    const asked = layoutsAsked();
    const pipelineLayout = vi.spyOn(open.device, "createPipelineLayout");
    const immediate = wgsl.replace("@group(2) @binding(3) var<uniform>", "var<immediate>");
    await compileProgram(open, request({ wgsl: immediate }, { buffers: buffers.slice(0, 2), immediateByteLength: 8 }));
    expect(asked()).toHaveLength(1);
    expect(pipelineLayout.mock.calls[0]![0]).toMatchObject({ immediateSize: 8 });
    await compileProgram(open, request());
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
    await expect(compileProgram(open, request({}, { buffers: buffers.slice(1) }))).rejects.toMatchObject({
      code: "shader-compilation",
      message: expect.stringMatching(/^Kernel "scale" does not make a pipeline: /),
    });
  });

  it("if reflection found another entry point", async () => {
    await expect(
      compileProgram(open, request({ interface: { entryPoint: "other", bindings: [] } })),
    ).rejects.toMatchObject({
      code: "shader-compilation",
      message: expect.stringContaining("other"),
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
