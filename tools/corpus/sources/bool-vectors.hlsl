[[vk::binding(0, 0)]] StructuredBuffer<float4> x;
[[vk::binding(1, 0)]] RWStructuredBuffer<uint> y;
[numthreads(8, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) {
  float4 v = x[id.x];
  bool4 a = v > float4(0, 10, 20, 30);
  bool4 b = v < float4(-50, 0, 50, 100);
  bool4 both = a && b;
  bool4 either = a || b;
  bool4 neither = !either;
  bool4 same = a == b;
  bool4 other = a != b;
  uint4 bits = uint4(both) + 2 * uint4(either) + 4 * uint4(neither) + 8 * uint4(same) + 16 * uint4(other);
  y[id.x] = bits.x + (bits.y << 8) + (bits.z << 16) + (bits.w << 24);
}
