#version 450
#extension GL_KHR_shader_subgroup_vote : require
layout(local_size_x = 32) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
void main() {
  uint i = gl_LocalInvocationIndex;
  uint v = x[i];
  uint equal = (subgroupAllEqual(v) ? 1u : 0u) + (subgroupAllEqual(vec2(float(v), 2.0)) ? 2u : 0u) + (subgroupAllEqual(v > 900u) ? 4u : 0u);
  bool isFirst = subgroupElect();
  if (isFirst) atomicAdd(y[32], gl_SubgroupSize);
  y[i] = equal + (isFirst ? 8u : 0u);
}
