#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) buffer Y { uint64_t y[]; };
void main() { y[0] = y[0] * 3ul; }
