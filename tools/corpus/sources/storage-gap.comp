#version 450
layout(local_size_x = 4) in;
layout(std430, set = 0, binding = 0) readonly buffer In { float scale; layout(offset = 32) uint shift; layout(offset = 64) uint data[]; } source;
layout(std430, set = 0, binding = 1) buffer Out { float o[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  o[i] = source.scale * float(source.data[i] >> source.shift);
}
