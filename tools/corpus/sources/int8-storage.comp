#version 450
#extension GL_EXT_shader_8bit_storage : require
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) buffer Y { uint8_t y[]; };
void main() { y[0] = uint8_t(uint(y[1]) + 1u); }
