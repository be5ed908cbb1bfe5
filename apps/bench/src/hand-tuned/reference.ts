import { deviceOptionsOf, type OpenDeviceOptions, openDevice } from "@kiln-gpu/webgpu";

const workgroupSize = 256;
/** The most workgroups per dimension that every device accepts; more elements go into further rows of the grid. */
const maxRowWorkgroups = 65535;

const wgsl = /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y * ${maxRowWorkgroups * workgroupSize}u + id.x;
  if (i < arrayLength(&c)) { c[i] = a[i] + b[i]; }
}`;

/** The grid that adds `length` elements. */
export function workgroupsOf(length: number): [x: number, y: number] {
  const workgroups = Math.ceil(length / workgroupSize);
  return [Math.min(workgroups, maxRowWorkgroups), Math.ceil(workgroups / maxRowWorkgroups)];
}

/** The hand-tuned code's own device, and the pipeline of the addition on it. Closing it ends everything made on it. */
export interface Reference extends AsyncDisposable {
  readonly device: GPUDevice;
  readonly pipeline: GPUComputePipeline;
}

export async function openReference(options: OpenDeviceOptions): Promise<Reference> {
  const open = await openDevice(deviceOptionsOf(options));
  const { device } = open;
  const module = device.createShaderModule({ code: wgsl });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  return { device, pipeline, [Symbol.asyncDispose]: () => open.close() };
}
