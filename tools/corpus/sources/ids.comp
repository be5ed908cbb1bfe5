#version 450
layout(local_size_x = 2, local_size_y = 3, local_size_z = 2) in;
layout(std430, set = 0, binding = 0) buffer Y { uint y[]; };
void main() {
  uvec3 size = gl_NumWorkGroups * uvec3(2, 3, 2);
  uvec3 g = gl_GlobalInvocationID;
  uint at = (g.z * size.y + g.y) * size.x + g.x;
  y[at] = gl_WorkGroupID.x + gl_WorkGroupID.y * 10u + gl_WorkGroupID.z * 100u + gl_LocalInvocationIndex * 1000u
    + (gl_LocalInvocationID.x + gl_LocalInvocationID.y * 2u + gl_LocalInvocationID.z * 6u) * 100000u;
}
