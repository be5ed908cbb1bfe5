#version 450
layout(local_size_x = 8, local_size_y = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer A { float a[]; };
layout(std430, set = 0, binding = 1) readonly buffer B { float b[]; };
layout(std430, set = 0, binding = 2) buffer C { float c[]; };
layout(push_constant) uniform Size { uint n; };
shared float tileA[8][8];
shared float tileB[8][8];
void main() {
  uvec2 at = gl_GlobalInvocationID.xy;
  uvec2 local = gl_LocalInvocationID.xy;
  float sum = 0.0;
  for (uint t = 0; t < n; t += 8) {
    tileA[local.y][local.x] = a[at.y * n + t + local.x];
    tileB[local.y][local.x] = b[(t + local.y) * n + at.x];
    barrier();
    for (uint k = 0; k < 8; k++) sum += tileA[local.y][k] * tileB[k][local.x];
    barrier();
  }
  c[at.y * n + at.x] = sum;
}
