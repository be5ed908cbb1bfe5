#version 450
layout(local_size_x = 1) in;
layout(std140, set = 0, binding = 0) uniform Params { mat2 m; } params;
layout(std430, set = 0, binding = 1) buffer Out { vec2 o[]; };
void main() { o[0] = params.m * vec2(1, 2); }
