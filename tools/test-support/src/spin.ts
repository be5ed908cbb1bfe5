import { defineKernel, output } from "@kiln-gpu/core";

/** Loops `rounds` times; the compiler cannot shorten the loop. 10^7 rounds take a software GPU about 30 ms. */
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

export const spinBindings = { rounds: 1e7, c: output(Uint32Array, 1) };
