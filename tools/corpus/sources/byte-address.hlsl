[[vk::binding(0, 0)]] ByteAddressBuffer x;
[[vk::binding(1, 0)]] RWByteAddressBuffer y;
[numthreads(8, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) {
  uint2 pair = x.Load2(id.x * 8);
  y.Store(id.x * 4, pair.x * 3 + countbits(pair.y));
}
