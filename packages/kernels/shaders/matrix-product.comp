#version 450

// c = a * b, row-major. Each workgroup computes a tile of c from a row of tiles of a and a column of tiles of b.

const uint tileSize = 16;

layout(local_size_x = 16, local_size_y = 16) in;

layout(std140, set = 0, binding = 0) uniform Dims { uint m; uint k; uint n; } dims;
layout(std430, set = 0, binding = 1) readonly buffer A { float a[]; };
layout(std430, set = 0, binding = 2) readonly buffer B { float b[]; };
layout(std430, set = 0, binding = 3) writeonly buffer C { float c[]; };

shared float tileA[tileSize][tileSize];
shared float tileB[tileSize][tileSize];

void main() {
  uint row = gl_GlobalInvocationID.y;
  uint column = gl_GlobalInvocationID.x;
  uint localRow = gl_LocalInvocationID.y;
  uint localColumn = gl_LocalInvocationID.x;

  float total = 0.0;
  for (uint begin = 0; begin < dims.k; begin += tileSize) {
    // Beyond the edges the tiles hold zeros; every thread has to reach the barriers.
    uint aColumn = begin + localColumn;
    float aValue = 0.0;
    if (row < dims.m && aColumn < dims.k) {
      aValue = a[row * dims.k + aColumn];
    }
    tileA[localRow][localColumn] = aValue;

    uint bRow = begin + localRow;
    float bValue = 0.0;
    if (bRow < dims.k && column < dims.n) {
      bValue = b[bRow * dims.n + column];
    }
    tileB[localRow][localColumn] = bValue;
    barrier();

    for (uint i = 0; i < tileSize; i += 1) {
      total += tileA[localRow][i] * tileB[i][localColumn];
    }
    barrier();
  }
  if (row < dims.m && column < dims.n) {
    c[row * dims.n + column] = total;
  }
}
