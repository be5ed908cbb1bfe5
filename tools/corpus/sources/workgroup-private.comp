#version 450
layout(local_size_x = 32) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
shared uint tile[32];
uint group = gl_WorkGroupID.x;
uvec2 list[2] = uvec2[2](uvec2(5u, 6u), uvec2(7u, 8u));
uint kept = 3u;
uint next() { kept += 4u; return kept; }
void main() {
  uint i = gl_LocalInvocationIndex;
  if (group >= 3u) return;
  list[group & 1u].y += group;
  for (uint k = 0u; k <= group; k++) {
    tile[i] = x[group * 32u + i] + next();
    barrier();
    y[group * 32u + i] = tile[31u - i] + list[0].y + list[1].y + list[k & 1u].x;
    barrier();
  }
}
