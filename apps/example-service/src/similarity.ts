import { defineKernel } from "kiln-gpu";

/** The product of a query with each vector of a table: one thread for each vector. */
export const similarity = defineKernel({
  label: "similarity",
  wgsl: `
    @group(0) @binding(0) var<storage, read> vectors: array<f32>;
    @group(0) @binding(1) var<storage, read> query: array<f32>;
    @group(0) @binding(2) var<storage, read_write> scores: array<f32>;

    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x >= arrayLength(&scores)) { return; }
      let dimensions = arrayLength(&query);
      var score = 0.0;
      for (var i = 0u; i < dimensions; i++) { score += query[i] * vectors[id.x * dimensions + i]; }
      scores[id.x] = score;
    }`,
});
