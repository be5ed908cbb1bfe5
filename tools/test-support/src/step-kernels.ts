/** Two kernels whose order changes the result, each with its CPU reference. */
import { defineKernel } from "@kiln-gpu/core";

/** `y[i] = factor * y[i] + i` in 32 bits. Two steps in the other order give another result. */
export const step = defineKernel({
  label: "step",
  wgsl: `@group(0) @binding(0) var<uniform> factor: u32;
    @group(0) @binding(1) var<storage, read_write> y: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.y == 0 && id.x < arrayLength(&y)) { y[id.x] = factor * y[id.x] + id.x; }
    }`,
});

export const stepped = (y: Uint32Array, factor: number) => y.map((value, i) => Math.imul(factor, value) + i);

/** `z[i] = 3 * x[i] + y[i]`. */
export const combine = defineKernel({
  label: "combine",
  wgsl: `@group(0) @binding(0) var<storage, read> x: array<u32>;
    @group(0) @binding(1) var<storage, read> y: array<u32>;
    @group(0) @binding(2) var<storage, read_write> z: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&z)) { z[id.x] = 3 * x[id.x] + y[id.x]; }
    }`,
});

export const combined = (x: Uint32Array, y: Uint32Array) => x.map((value, i) => 3 * value + y[i]!);
