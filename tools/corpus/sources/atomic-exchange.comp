#version 450
layout(local_size_x = 32) in;
layout(std430, set = 0, binding = 0) buffer Y { uint slots[]; };
layout(std430, set = 0, binding = 1) buffer Z { uint z[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  z[i] = atomicExchange(slots[i], i * 3u);
}
