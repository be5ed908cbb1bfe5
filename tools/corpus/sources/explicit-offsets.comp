#version 450
layout(local_size_x = 4) in;
struct Item { uint count; vec2 at; };
struct Small { vec2 v; };
layout(std430, set = 0, binding = 0) buffer Data {
  uint first;
  layout(offset = 12) uint second;
  layout(align = 64) vec3 third;
  layout(offset = 96) mat2 turned;
  layout(offset = 116) uint marked;
  layout(offset = 128) Item items[3];
  layout(offset = 208) uint rest[];
} data;
layout(std140, set = 0, binding = 1) uniform Params {
  layout(offset = 0) vec2 a;
  layout(offset = 32) float b;
  layout(offset = 64) Small small[2];
} params;
layout(push_constant) uniform Push { float c; layout(offset = 24) uint d; } push;
layout(std430, set = 0, binding = 2) buffer Out { float o[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  Item item = data.items[i % 2];
  o[i] = float(data.first + data.second * item.count) + data.third.z + data.turned[1].x + item.at.y + float(data.rest[i]) +
    float(data.rest.length());
  o[i] += params.a.y + params.b + params.small[i % 2].v.y + push.c + float(push.d);
  if (i == 0) {
    data.marked = 77;
    data.items[2].at = vec2(5, 6);
  }
}
