#version 450

// How often each bin's number occurs in `values`. Each workgroup counts in its own memory, then adds to `counts`.

const uint workgroupSize = 256;
const uint maxBinCount = 4096;

layout(local_size_x = 256) in;

layout(std430, set = 0, binding = 0) readonly buffer Values { uint values[]; };
layout(std430, set = 0, binding = 1) buffer Counts { uint counts[]; };

shared uint bins[maxBinCount];

void main() {
  uint local = gl_LocalInvocationIndex;
  uint count = uint(values.length());
  uint binCount = min(uint(counts.length()), maxBinCount);
  uint stride = gl_NumWorkGroups.x * workgroupSize;

  // Unlike WGSL, GLSL does not zero shared memory.
  for (uint bin = local; bin < binCount; bin += workgroupSize) {
    bins[bin] = 0;
  }
  barrier();

  for (uint i = gl_GlobalInvocationID.x; i < count; i += stride) {
    uint bin = values[i];
    if (bin < binCount) {
      atomicAdd(bins[bin], 1);
    }
  }
  barrier();

  for (uint bin = local; bin < binCount; bin += workgroupSize) {
    uint found = bins[bin];
    if (found > 0) {
      atomicAdd(counts[bin], found);
    }
  }
}
