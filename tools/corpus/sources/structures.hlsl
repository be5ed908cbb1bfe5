struct Particle { float4 position; float3 velocity; float mass; };
[[vk::binding(0, 0)]] RWStructuredBuffer<Particle> particles;
[numthreads(8, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) {
  Particle p = particles[id.x];
  p.position.xyz += p.velocity * 0.5;
  if (p.position.w > 0) p.velocity = -p.velocity.zyx; else p.mass *= 2;
  particles[id.x] = p;
}
