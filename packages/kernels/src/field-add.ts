import { type ComputeBackend, ComputeError, defineKernel, type Output, output } from "@kiln-gpu/core";
import { checkArray, isFromSpirv } from "./check-arguments.js";
import { decodeBase64 } from "./decode-base64.js";
import type { KernelRunOptions } from "./kernel-run-options.js";
import { fieldAdd as spirv } from "./spirv.generated.js";

const wgsl = /* wgsl */ `
override workgroup_size: u32 = 256;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(workgroup_size)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i < arrayLength(&c)) {
    c[i] = a[i] + b[i];
  }
}
`;

export type FieldAddBindings = {
  readonly a: Float32Array;
  readonly b: Float32Array;
  /** As long as `a` and `b`. */
  readonly c: Output<Float32Array>;
};

/** `c = a + b`, element by element. */
export const fieldAdd = /* @__PURE__ */ defineKernel<FieldAddBindings>({
  label: "field-add",
  wgsl,
  tunable: { workgroup_size: [256, 64, 128, 512] },
});

/** `fieldAdd`, from SPIR-V. */
export const fieldAddSpirv = /* @__PURE__ */ defineKernel<FieldAddBindings>({
  label: "field-add-spirv",
  spirv: decodeBase64(spirv),
});

/**
 * Adds two fields on the GPU.
 * @returns `a + b`, each element rounded to f32 once. Normal numbers equal `fieldAddReference` bit for bit.
 * @throws {ComputeError} `invalid-binding` if the lengths differ; and whatever `ComputeBackend.run` throws.
 */
export async function runFieldAdd(
  backend: ComputeBackend,
  a: Float32Array,
  b: Float32Array,
  { from = "wgsl", ...options }: KernelRunOptions = {},
): Promise<Float32Array> {
  const isSpirv = isFromSpirv("runFieldAdd", from, options);
  checkArray("runFieldAdd", "a", a);
  checkArray("runFieldAdd", "b", b);
  if (a.length !== b.length) {
    throw new ComputeError(
      "invalid-binding",
      `runFieldAdd: "a" and "b" must have the same length; got ${a.length} and ${b.length} elements.`,
    );
  }
  const kernel = isSpirv ? fieldAddSpirv : fieldAdd;
  const { c } = await backend.run(kernel, { a, b, c: output(Float32Array, a.length) }, options);
  return c;
}

/** What `runFieldAdd` computes, on the CPU. */
export function fieldAddReference(a: Float32Array, b: Float32Array): Float32Array {
  const c = new Float32Array(a.length);
  for (let i = 0; i < c.length; i += 1) c[i] = a[i]! + b[i]!;
  return c;
}
