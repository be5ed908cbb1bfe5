[[vk::binding(0, 0)]] StructuredBuffer<float> a;
[[vk::binding(1, 0)]] StructuredBuffer<float> b;
[[vk::binding(2, 0)]] RWStructuredBuffer<float> c;
[numthreads(64, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) {
  uint count, stride;
  c.GetDimensions(count, stride);
  if (id.x < count) c[id.x] = a[id.x] + b[id.x];
}
