#version 450
#extension GL_KHR_shader_subgroup_ballot : require
layout(local_size_x = 8, local_size_y = 4) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uvec4 x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
void main() {
  uint i = gl_LocalInvocationIndex, at = i * 10u;
  uvec4 ballot = subgroupBallot((x[i].x & 1u) == 1u);
  y[at] = subgroupBallotBitCount(ballot);
  y[at + 1u] = subgroupBallotInclusiveBitCount(ballot);
  y[at + 2u] = subgroupBallotExclusiveBitCount(ballot);
  y[at + 3u] = subgroupInverseBallot(ballot) ? 1u : 0u;
  y[at + 4u] = subgroupBallotBitExtract(x[i], x[i].y & 127u) ? 1u : 0u;
  y[at + 5u] = subgroupBallotFindLSB(x[i] & uvec4(0u, 0u, x[i].y, ~0u));
  y[at + 6u] = subgroupBallotFindLSB(ballot | uvec4(8u, 0u, 0u, 0u));
  y[at + 7u] = subgroupBallotFindMSB(ballot | uvec4(1u, 5u, 6u, 7u));
  y[at + 8u] = subgroupBallotBitCount(x[i]);
  y[at + 9u] = subgroupBallotExclusiveBitCount(x[i]);
}
