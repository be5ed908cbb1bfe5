#version 450
layout(local_size_x = 8, local_size_y = 4) in;
layout(std430, set = 0, binding = 0) buffer Y { uint y[]; };
void main() {
  y[gl_WorkGroupID.x * 32u + gl_LocalInvocationIndex] = gl_WorkGroupSize.x * 100u + gl_WorkGroupSize.y + gl_LocalInvocationIndex * 1000u;
}
