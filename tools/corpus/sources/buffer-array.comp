#version 450
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) buffer Y { uint y[]; } buffers[2];
void main() { buffers[1].y[0] = buffers[0].y[0]; }
