#version 450
layout(local_size_x = 32) in;
struct Cell { uint count; uint weight; ivec2 place; };
struct Bin { uint slots[3]; float scale; Cell cell; };
shared Cell total;
shared Bin bins[2];
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Io { Cell cells[]; } io;
layout(std430, set = 0, binding = 2) buffer Y { uint y[]; };
Cell move(Cell cell, int by) { cell.place += by; return cell; }
void main() {
  uint i = gl_LocalInvocationIndex;
  if (i == 0u) {
    total = Cell(0u, 5u, ivec2(1, 2));
    bins[0] = Bin(uint[3](1u, 2u, 3u), 0.5, Cell(7u, 8u, ivec2(9, 10)));
    bins[1] = bins[0];
  }
  barrier();
  atomicAdd(total.count, x[i]);
  atomicMax(bins[i & 1u].slots[i % 3u], x[i]);
  atomicAdd(bins[1].cell.count, 1u);
  atomicAdd(io.cells[i & 3u].count, x[i]);
  barrier();
  memoryBarrierBuffer();
  Cell copy = total;
  Bin bin = bins[i & 1u];
  uint sum = bin.slots[0] + bin.slots[1] * 3u + bin.slots[2] * 5u + bin.cell.count * 7u + bin.cell.weight;
  y[i] = copy.count + copy.weight + uint(copy.place.x) + total.count + sum + uint(bin.scale * 2.0) + uint(bin.cell.place.y);
  if (i == 3u) {
    io.cells[4] = move(copy, 10);
    io.cells[5] = io.cells[4];
    io.cells[6] = bin.cell;
  }
}
