import { type ComputeBackend, defineKernel, output } from "@kiln-gpu/core";

/** Counts to `rounds`, which the compiler cannot foresee: 3 * 10^7 take a software GPU a tenth of a second. */
export const spin = defineKernel({
  label: "spin",
  wgsl: `@group(0) @binding(0) var<uniform> rounds: u32;
    @group(0) @binding(1) var<storage, read_write> c: array<u32>;
    @compute @workgroup_size(1) fn main() {
      var x = rounds;
      for (var i = 0u; i < rounds; i++) { x = x * 1664525 + 1013904223; }
      c[0] = x;
    }`,
});

const manyRounds = 3e7;

export const spinBindings = { rounds: manyRounds, c: output(Uint32Array, 1) };

/** Resolves once `backend` has submitted more than `before`. */
export async function submitted(backend: ComputeBackend, before: number): Promise<void> {
  while (backend.stats().submissions <= before) await new Promise((resolve) => setTimeout(resolve, 1));
}
