#version 450
layout(local_size_x = 1) in;
layout(std430, row_major, set = 0, binding = 0) readonly buffer In { mat4 m; } source;
layout(std430, set = 0, binding = 1) buffer Out { vec4 o[]; };
void main() { o[0] = source.m * vec4(1, 2, 3, 4); }
