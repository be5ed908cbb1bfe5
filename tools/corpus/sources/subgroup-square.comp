#version 450
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x = 4, local_size_y = 4, local_size_z = 2) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
void main() {
  uint i = gl_LocalInvocationIndex;
  uint lane = i % gl_SubgroupSize;
  y[i * 6u] = gl_SubgroupInvocationID == lane ? 1u : 0u;
  y[i * 6u + 1u] = gl_SubgroupID == i / gl_SubgroupSize ? 1u : 0u;
  y[i * 6u + 2u] = gl_NumSubgroups * gl_SubgroupSize;
  y[i * 6u + 3u] = subgroupBallot(true).x;
  y[i * 6u + 4u] = subgroupAdd(x[i]);
  y[i * 6u + 5u] = gl_LocalInvocationID.x + gl_LocalInvocationID.y * 10u + gl_LocalInvocationID.z * 100u + gl_WorkGroupSize.x * 1000u;
}
