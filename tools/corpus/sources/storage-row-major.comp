#version 450
layout(local_size_x = 1) in;
struct Item { mat2x3 a; float b; };
layout(std430, row_major, set = 0, binding = 0) buffer Io {
  mat4 m; mat3x4 n; mat2 list[3]; Item items[2]; layout(column_major) mat2 plain;
} io;
layout(std430, set = 0, binding = 1) buffer Out { float o[]; };
void main() {
  int at = 0;
  vec4 v = io.m * vec4(1, 2, 3, 4);
  for (int i = 0; i < 4; i++) o[at++] = v[i];
  v = io.n * vec3(1, 2, 3);
  for (int i = 0; i < 4; i++) o[at++] = v[i];
  for (int c = 0; c < 3; c++) {
    vec4 column = io.n[c];
    for (int r = 0; r < 4; r++) o[at++] = column[r] * 8.0 + io.n[c][r];
  }
  mat2 all[3] = io.list;
  for (int k = 0; k < 3; k++) for (int c = 0; c < 2; c++) for (int r = 0; r < 2; r++) o[at++] = all[k][c][r] + io.list[k][c][r] * 4.0;
  Item item = io.items[1];
  for (int c = 0; c < 2; c++) for (int r = 0; r < 3; r++) o[at++] = item.a[c][r];
  o[at++] = item.b;
  for (int c = 0; c < 2; c++) for (int r = 0; r < 2; r++) o[at++] = io.plain[c][r];
  io.items[0] = Item(mat2x3(1, 2, 3, 4, 5, 6), 7.0);
  io.m[1] = vec4(10, 20, 30, 40);
  for (int c = 2; c < 4; c++) io.m[c][c - 1] = float(50 + c);
  io.list[1] = mat2(60, 70, 80, 90);
  for (int k = 1; k < 3; k++) io.list[k][k - 1].y *= 0.5;
  io.plain[1] = vec2(-1, -2);
}
