[[vk::binding(0, 0)]] cbuffer Params { float4x4 m; };
[[vk::binding(1, 0)]] RWStructuredBuffer<float4> y;
[numthreads(1, 1, 1)]
void main() { y[0] = mul(m, float4(1, 2, 3, 4)); }
