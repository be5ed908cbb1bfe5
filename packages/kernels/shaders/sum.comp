#version 450

// One sum per workgroup, of all values that its threads read in a grid-stride loop over `values`.

const uint workgroupSize = 256;

layout(local_size_x = 256) in;

layout(std430, set = 0, binding = 0) readonly buffer Values { float values[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Sum { float sum[]; };

shared float subtotals[workgroupSize];

void main() {
  uint local = gl_LocalInvocationIndex;
  uint count = uint(values.length());
  uint stride = gl_NumWorkGroups.x * workgroupSize;

  float subtotal = 0.0;
  for (uint i = gl_GlobalInvocationID.x; i < count; i += stride) {
    subtotal += values[i];
  }
  subtotals[local] = subtotal;
  barrier();

  for (uint width = workgroupSize / 2; width > 0; width /= 2) {
    if (local < width) {
      subtotals[local] += subtotals[local + width];
    }
    barrier();
  }
  if (local == 0) {
    sum[gl_WorkGroupID.x] = subtotals[0];
  }
}
