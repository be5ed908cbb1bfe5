import { type OpenDeviceOptions, openDevice } from "@kiln-gpu/webgpu";

const workgroupSize = 256;
/** The most workgroups in a dimension that every device takes; more elements go into further rows of the grid. */
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

/** A device of the hand-tuned code's own, and the addition's pipeline on it. Its end is the end of all that was made on it. */
export interface Reference extends AsyncDisposable {
  readonly device: GPUDevice;
  readonly pipeline: GPUComputePipeline;
}

export async function openReference(options: OpenDeviceOptions): Promise<Reference> {
  const open = await openDevice(options);
  const { device } = open;
  const module = device.createShaderModule({ code: wgsl });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  return { device, pipeline, [Symbol.asyncDispose]: () => open.close() };
}
