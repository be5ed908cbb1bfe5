#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { vec4 x[]; };
layout(std430, set = 0, binding = 1) buffer Y { vec4 y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  vec4 v = x[i];
  mat3 m = mat3(v.xyz, v.yzw, vec3(1, 0, 2));
  mat4 t = transpose(mat4(v, v.wzyx, vec4(0, 1, 0, 0), vec4(1, 1, 1, 1)));
  vec3 c = cross(v.xyz, v.wxy);
  uint at = i * 4u;
  y[at] = vec4(c, dot(v, v));
  y[at + 1u] = t * v;
  y[at + 2u] = vec4(m * v.xyz, determinant(m));
  vec4 w = vec4(0);
  w[i & 3u] = v[3u - (i & 3u)];
  y[at + 3u] = w + (any(lessThan(v, vec4(0))) ? vec4(1) : vec4(2)) + vec4(outerProduct(v.xy, v.zw)[1], length(v.xy), distance(v.xy, v.zw));
}
