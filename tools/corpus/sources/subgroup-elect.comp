#version 450
#extension GL_KHR_shader_subgroup_basic : require
layout(local_size_x = 32) in;
layout(std430, set = 0, binding = 0) buffer Y { uint y[]; };
void main() { if (subgroupElect()) atomicAdd(y[0], gl_SubgroupSize); }
