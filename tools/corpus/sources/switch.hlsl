[[vk::binding(0, 0)]] StructuredBuffer<int> x;
[[vk::binding(1, 0)]] RWStructuredBuffer<int> y;
int pick(int v) {
  [branch] switch (v & 7) {
    case 0: return 10;
    case 1:
    case 2: v += 5; break;
    case 5: { for (int i = 0; i < 3; i++) { if (i == 2) break; v *= 3; } break; }
    default: v = -v; break;
  }
  return v;
}
[numthreads(8, 1, 1)]
void main(uint3 id : SV_DispatchThreadID) { y[id.x] = pick(x[id.x]); }
