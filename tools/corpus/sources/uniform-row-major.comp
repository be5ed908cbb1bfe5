#version 450
layout(local_size_x = 1) in;
layout(std140, row_major, set = 0, binding = 0) uniform Params { mat3 basis; layout(column_major) mat3 plain; mat4x3 list[2]; float scale; } params;
layout(std430, set = 0, binding = 1) buffer Out { float o[]; };
layout(push_constant, row_major) uniform Push { mat4x3 moved; } push;
void main() {
  int at = 0;
  for (int c = 0; c < 3; c++) for (int r = 0; r < 3; r++) o[at++] = params.basis[c][r] * params.scale + params.plain[c][r];
  for (int k = 0; k < 2; k++) {
    vec3 v = params.list[k] * vec4(1, 2, 3, 4) + params.list[k][3];
    for (int r = 0; r < 3; r++) o[at++] = v[r];
  }
  vec4 turned = vec3(1, 2, 3) * push.moved;
  for (int c = 0; c < 4; c++) o[at++] = turned[c];
}
