#version 450

// The sum of each block of 2048 values, one workgroup per block.

const uint workgroupSize = 256;
const uint valuesPerThread = 8;

layout(local_size_x = 256) in;

layout(std430, set = 0, binding = 0) readonly buffer Values { uint values[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Totals { uint totals[]; };

shared uint subtotals[workgroupSize];

void main() {
  uint local = gl_LocalInvocationIndex;
  uint count = uint(values.length());
  uint begin = gl_GlobalInvocationID.x * valuesPerThread;
  uint end = min(begin + valuesPerThread, count);

  uint subtotal = 0;
  for (uint i = begin; i < end; i += 1) {
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
    totals[gl_WorkGroupID.x] = subtotals[0];
  }
}
