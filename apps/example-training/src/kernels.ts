import { defineKernel } from "kiln-gpu";

/** The gradient of the loss for each sample alone: one thread for each. */
export const backward = defineKernel({
  label: "backward",
  wgsl: `
    @group(0) @binding(0) var<storage, read> points: array<vec2f>;
    @group(0) @binding(1) var<storage, read> labels: array<f32>;
    @group(0) @binding(2) var<storage, read> parameters: array<f32>;
    /** All samples of the first parameter, then all of the second, … */
    @group(0) @binding(3) var<storage, read_write> gradients: array<f32>;
    @group(0) @binding(4) var<storage, read_write> losses: array<f32>;

    fn hidden(neuron: u32, point: vec2f) -> f32 {
      let at = 4 * neuron;
      return tanh(parameters[at] * point.x + parameters[at + 1] * point.y + parameters[at + 2]);
    }

    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      let samples = arrayLength(&labels);
      let sample = id.x;
      if (sample >= samples) { return; }
      let point = points[sample];
      let label = labels[sample];
      let last = arrayLength(&parameters) - 1;
      let neurons = last / 4;

      var z = parameters[last];
      for (var n = 0u; n < neurons; n++) { z += parameters[4 * n + 3] * hidden(n, point); }
      // The cross entropy of a sigmoid, in a form that does not overflow. Its derivative is the error.
      losses[sample] = max(z, 0) - z * label + log(1 + exp(-abs(z)));
      let error = 1 / (1 + exp(-z)) - label;

      for (var n = 0u; n < neurons; n++) {
        let h = hidden(n, point);
        let inner = error * parameters[4 * n + 3] * (1 - h * h);
        gradients[4 * n * samples + sample] = inner * point.x;
        gradients[(4 * n + 1) * samples + sample] = inner * point.y;
        gradients[(4 * n + 2) * samples + sample] = inner;
        gradients[(4 * n + 3) * samples + sample] = error * h;
      }
      gradients[last * samples + sample] = error;
    }`,
  threads: ({ labels }) => labels.length,
});

/** Moves each parameter against the mean of its gradients: one workgroup for each. */
export const descend = defineKernel({
  label: "descend",
  wgsl: `
    @group(0) @binding(0) var<uniform> rate: f32;
    @group(0) @binding(1) var<storage, read> gradients: array<f32>;
    @group(0) @binding(2) var<storage, read_write> parameters: array<f32>;
    var<workgroup> sums: array<f32, 64>;

    @compute @workgroup_size(64)
    fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
      let samples = arrayLength(&gradients) / arrayLength(&parameters);
      var sum = 0.0;
      for (var i = local; i < samples; i += 64) { sum += gradients[workgroup.x * samples + i]; }
      sums[local] = sum;
      workgroupBarrier();
      for (var width = 32u; width > 0; width /= 2) {
        if (local < width) { sums[local] += sums[local + width]; }
        workgroupBarrier();
      }
      if (local == 0) { parameters[workgroup.x] -= rate * sums[0] / f32(samples); }
    }`,
  threads: ({ parameters }) => 64 * parameters.length,
});
