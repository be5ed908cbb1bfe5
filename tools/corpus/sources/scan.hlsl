[[vk::binding(0, 0)]] StructuredBuffer<uint> x;
[[vk::binding(1, 0)]] RWStructuredBuffer<uint> y;
groupshared uint tile[64];
[numthreads(64, 1, 1)]
void main(uint3 id : SV_DispatchThreadID, uint i : SV_GroupIndex) {
  tile[i] = x[id.x];
  GroupMemoryBarrierWithGroupSync();
  for (uint by = 1; by < 64; by *= 2) {
    uint left = i >= by ? tile[i - by] : 0;
    GroupMemoryBarrierWithGroupSync();
    tile[i] += left;
    GroupMemoryBarrierWithGroupSync();
  }
  y[id.x] = tile[i];
}
