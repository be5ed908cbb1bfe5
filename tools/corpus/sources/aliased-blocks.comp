#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer AsUint { uint words[]; };
layout(std430, set = 0, binding = 0) readonly buffer AsFloat { float floats[]; };
layout(std430, set = 0, binding = 1) buffer Y { float y[]; };
void main() { uint i = gl_GlobalInvocationID.x; y[i] = floats[i] + float(words[i] >> 23); }
