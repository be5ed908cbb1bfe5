[[vk::binding(0, 0)]] StructuredBuffer<uint> x;
[[vk::binding(1, 0)]] RWStructuredBuffer<uint> bins;
groupshared uint local_bins[16];
[numthreads(64, 1, 1)]
void main(uint3 id : SV_DispatchThreadID, uint i : SV_GroupIndex) {
  if (i < 16) local_bins[i] = 0;
  GroupMemoryBarrierWithGroupSync();
  InterlockedAdd(local_bins[x[id.x] & 15], 1);
  GroupMemoryBarrierWithGroupSync();
  if (i < 16) InterlockedAdd(bins[i], local_bins[i]);
}
