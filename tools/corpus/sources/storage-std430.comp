#version 450
layout(local_size_x = 8) in;
struct Body { vec3 position; float mass; ivec2 cell; uint flags[3]; };
layout(std430, set = 0, binding = 0) readonly buffer Bodies { uint count; Body bodies[]; };
layout(std430, set = 0, binding = 1) buffer Out { float o[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= count) return;
  Body b = bodies[i];
  o[i] = b.mass * dot(b.position, vec3(1, 2, 3)) + float(b.cell.x - b.cell.y) + float(b.flags[i % 3u]);
}
