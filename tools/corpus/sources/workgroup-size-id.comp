#version 450
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z = 1) in;
layout(std430, set = 0, binding = 0) buffer Y { uint y[]; };
void main() {
  uint i = gl_WorkGroupID.x * gl_WorkGroupSize.x * gl_WorkGroupSize.y + gl_LocalInvocationIndex;
  y[i] = gl_WorkGroupSize.x * 10000u + gl_WorkGroupSize.y * 100u + gl_LocalInvocationIndex;
}
