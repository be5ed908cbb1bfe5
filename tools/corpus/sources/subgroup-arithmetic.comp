#version 450
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x = 32) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
void main() {
  uint i = gl_LocalInvocationIndex;
  uint v = x[i];
  y[i * 6u] = gl_SubgroupSize;
  y[i * 6u + 1u] = subgroupAdd(v);
  y[i * 6u + 2u] = subgroupMin(v);
  y[i * 6u + 3u] = subgroupMax(v);
  y[i * 6u + 4u] = subgroupExclusiveAdd(v);
  y[i * 6u + 5u] = subgroupInclusiveAdd(v) + subgroupXor(v);
}
