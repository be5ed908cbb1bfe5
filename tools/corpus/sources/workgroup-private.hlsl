[[vk::binding(0, 0)]] StructuredBuffer<uint> x;
[[vk::binding(1, 0)]] RWStructuredBuffer<uint> y;
groupshared uint tile[32];
static uint group;
static uint2 list[2];
static uint kept = 3;
uint next() { kept += 4; return kept; }
[numthreads(32, 1, 1)]
void main(uint3 id : SV_GroupID, uint i : SV_GroupIndex) {
  group = id.x;
  list[0] = uint2(5, 6);
  list[1] = uint2(7, 8);
  if (group >= 3) return;
  list[group & 1].y += group;
  for (uint k = 0; k <= group; k++) {
    tile[i] = x[group * 32 + i] + next();
    GroupMemoryBarrierWithGroupSync();
    y[group * 32 + i] = tile[31 - i] + list[0].y + list[1].y + list[k & 1].x;
    GroupMemoryBarrierWithGroupSync();
  }
}
