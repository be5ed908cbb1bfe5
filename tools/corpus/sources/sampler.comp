#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform sampler2D image;
layout(std430, set = 0, binding = 1) buffer Y { vec4 y[]; };
void main() { y[0] = textureLod(image, vec2(0.5), 0.0); }
