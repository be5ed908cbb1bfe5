#version 450
layout(local_size_x = 1) in;
layout(rgba8, set = 0, binding = 0) uniform writeonly image2D image;
void main() { imageStore(image, ivec2(0), vec4(1)); }
