struct Light { float3 position; uint kind; };
[[vk::binding(0, 0)]] cbuffer Params { float alpha; float3 offset; int count; uint2 last; Light lights[2]; float4 list[2]; };
[[vk::binding(1, 0)]] RWStructuredBuffer<float> o;
[numthreads(1, 1, 1)]
void main() {
  o[0] = alpha;
  o[1] = offset.x; o[2] = offset.y; o[3] = offset.z;
  o[4] = float(count) + float(last.y);
  for (int i = 0; i < 2; i++) { o[5 + i * 2] = lights[i].position.z + float(lights[i].kind); o[6 + i * 2] = list[i].y; }
}
