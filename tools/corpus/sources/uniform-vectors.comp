#version 450
layout(local_size_x = 1) in;
struct Pair { vec3 first; uint second; };
layout(std140, set = 0, binding = 0) uniform Params {
  float alpha; vec3 offset; int count; mat3 basis; vec4 list[2]; Pair pair; uvec2 last;
} params;
layout(std430, set = 0, binding = 1) buffer Out { float o[]; };
void main() {
  int at = 0;
  o[at++] = params.alpha;
  for (int i = 0; i < 3; i++) o[at++] = params.offset[i];
  o[at++] = float(params.count);
  for (int c = 0; c < 3; c++) for (int r = 0; r < 3; r++) o[at++] = params.basis[c][r];
  for (int l = 0; l < 2; l++) for (int i = 0; i < 4; i++) o[at++] = params.list[l][i];
  for (int i = 0; i < 3; i++) o[at++] = params.pair.first[i];
  o[at++] = float(params.pair.second);
  o[at++] = float(params.last.y);
}
