struct Item { float2x4 a; float b; };
[[vk::binding(0, 0)]] cbuffer Params { float4x4 m; row_major float3x4 n; float2 v; };
[[vk::binding(1, 0)]] RWStructuredBuffer<Item> items;
[[vk::binding(2, 0)]] RWStructuredBuffer<float> y;
[numthreads(1, 1, 1)]
void main() {
  int at = 0;
  float4 product = mul(m, float4(1, 2, 3, 4));
  for (int i = 0; i < 4; i++) y[at++] = product[i];
  float4 row = mul(float3(1, 2, 3), n);
  for (int i = 0; i < 4; i++) y[at++] = row[i] + v.x - v.y;
  for (int r = 0; r < 3; r++) for (int c = 0; c < 4; c++) y[at++] = m[r][c] * 4.0 + n[r][c];
  Item item = items[1];
  for (int r = 0; r < 2; r++) for (int c = 0; c < 4; c++) y[at++] = item.a[r][c] + item.b;
  items[2] = item;
  items[0].a[1][2] = 5.0;
  items[0].a[0] = float4(1, 2, 3, 4);
}
