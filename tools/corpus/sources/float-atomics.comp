#version 450
#extension GL_EXT_shader_atomic_float : require
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) buffer Y { float y[]; };
void main() { atomicAdd(y[0], 1.0); }
