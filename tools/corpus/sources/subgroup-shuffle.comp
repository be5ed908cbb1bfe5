#version 450
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_vote : require
layout(local_size_x = 32) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
void main() {
  uint i = gl_LocalInvocationIndex;
  uint v = x[i];
  y[i * 6u] = gl_SubgroupSize;
  y[i * 6u + 1u] = subgroupShuffleXor(v, 1u);
  y[i * 6u + 2u] = subgroupBroadcast(v, 2u);
  y[i * 6u + 3u] = subgroupBallot((v & 1u) == 1u).x;
  y[i * 6u + 4u] = subgroupAll((v & 3u) != 0u) ? 1u : 0u;
  y[i * 6u + 5u] = (subgroupAny((v & 7u) == 0u) ? 1u : 0u) + gl_SubgroupInvocationID * 2u + subgroupBroadcastFirst(v);
}
