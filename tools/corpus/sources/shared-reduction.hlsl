[[vk::binding(0, 0)]] StructuredBuffer<uint> x;
[[vk::binding(1, 0)]] RWStructuredBuffer<uint> y;
groupshared uint tile[64];
[numthreads(64, 1, 1)]
void main(uint3 id : SV_DispatchThreadID, uint3 group : SV_GroupID, uint i : SV_GroupIndex) {
  tile[i] = x[id.x];
  GroupMemoryBarrierWithGroupSync();
  for (uint half_ = 32; half_ > 0; half_ >>= 1) {
    if (i < half_) tile[i] += tile[i + half_];
    GroupMemoryBarrierWithGroupSync();
  }
  if (i == 0) y[group.x] = tile[0];
}
