#version 450
layout(local_size_x = 8) in;
layout(rgba8, set = 0, binding = 0) uniform writeonly image2D image;
layout(std430, set = 0, binding = 1) readonly buffer X { float x[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  float shade, unused, alpha;
  shade = x[i]; alpha = x[i + 1u]; imageStore(image, ivec2(i, 0), vec4(vec3(shade), alpha));
}
