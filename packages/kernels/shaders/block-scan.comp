#version 450

// The exclusive scan of each block of 2048 values, starting at the block's offset; one workgroup per block.

const uint workgroupSize = 256;
const uint valuesPerThread = 8;

layout(local_size_x = 256) in;

layout(std430, set = 0, binding = 0) readonly buffer Values { uint values[]; };
layout(std430, set = 0, binding = 1) readonly buffer Offsets { uint offsets[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Prefixes { uint prefixes[]; };

shared uint sums[2][workgroupSize];

void main() {
  uint local = gl_LocalInvocationIndex;
  uint count = uint(values.length());
  uint begin = gl_GlobalInvocationID.x * valuesPerThread;
  uint end = min(begin + valuesPerThread, count);

  uint subtotal = 0;
  for (uint i = begin; i < end; i += 1) {
    subtotal += values[i];
  }
  sums[0][local] = subtotal;
  barrier();

  // Hillis and Steele, back and forth between two rows: after each step a thread's sum reaches twice as far back.
  uint row = 0;
  uint reached = subtotal;
  for (uint reach = 1; reach < workgroupSize; reach *= 2) {
    if (local >= reach) {
      reached += sums[row][local - reach];
    }
    row = 1 - row;
    sums[row][local] = reached;
    barrier();
  }

  uint prefix = offsets[gl_WorkGroupID.x] + reached - subtotal;
  for (uint i = begin; i < end; i += 1) {
    prefixes[i] = prefix;
    prefix += values[i];
  }
}
