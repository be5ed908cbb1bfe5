#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) buffer Y { uint16_t y[]; };
void main() { y[0] = y[1] * uint16_t(3); }
