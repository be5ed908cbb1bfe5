#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { vec4 x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  bvec4 a = greaterThan(x[i], vec4(0, 10, 20, 30));
  bvec4 b = lessThan(x[i], vec4(-50, 0, 50, 100));
  bvec4 neither = not(bvec4(a.x || b.x, a.y || b.y, a.z || b.z, a.w || b.w));
  bvec4 both = mix(bvec4(false), b, a);
  uvec4 bits = uvec4(both) + 2u * uvec4(not(neither)) + 4u * uvec4(neither) + 8u * uvec4(equal(a, b)) + 16u * uvec4(notEqual(a, b));
  y[i] = bits.x + (bits.y << 8) + (bits.z << 16) + (bits.w << 24);
}
