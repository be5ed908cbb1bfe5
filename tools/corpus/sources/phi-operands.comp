#version 450
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_shuffle_relative : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_KHR_shader_subgroup_quad : require
layout(local_size_x = 32) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
layout(std430, set = 0, binding = 2) buffer N { uint n[]; };
void main() {
  uint i = gl_LocalInvocationIndex;
  uint s = 0u, last = 0u;
  bool odd = false;
  for (uint k = 0u; k < x[128]; k++) {
    last = x[i * 4u + k];
    s += last;
    odd = !odd || last == 3u;
  }
  uint at = 12u * i;
  y[at] = subgroupAdd(s);
  y[at + 1u] = subgroupExclusiveAdd(s);
  y[at + 2u] = subgroupShuffleXor(s, 1u);
  y[at + 3u] = subgroupBroadcast(last, 2u);
  y[at + 4u] = subgroupBallot(odd).x;
  y[at + 5u] = subgroupAll(odd) ? 1u : 2u;
  y[at + 6u] = subgroupAny(odd) ? 1u : 2u;
  y[at + 7u] = subgroupBroadcastFirst(s);
  y[at + 8u] = subgroupQuadSwapHorizontal(s) + subgroupQuadBroadcast(last, 1u);
  atomicAdd(n[0], s);
  atomicMax(n[1], last);
  y[at + 9u] = atomicExchange(n[2u + i], s);
  y[at + 10u] = atomicCompSwap(n[34u + i], last, s);
  uint t = i;
  if ((s & 1u) == 1u) { t = s * 2u; if (last > 50u) atomicOr(n[66], t); else atomicAdd(n[67], last); }
  y[at + 11u] = subgroupMax(t);
}
