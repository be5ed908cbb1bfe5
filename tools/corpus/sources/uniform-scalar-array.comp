#version 450
layout(local_size_x = 1) in;
layout(std140, set = 0, binding = 0) uniform Params { uint first; float weights[4]; ivec2 pairs[3]; int last; } params;
layout(std430, set = 0, binding = 1) buffer Out { float o[]; };
float sum() { float s = 0.0; for (int i = 0; i < 4; i++) s += params.weights[i]; return s; }
void main() {
  o[0] = float(params.first);
  o[1] = params.weights[params.first & 3u];
  o[2] = sum();
  o[3] = float(params.pairs[1].y);
  o[4] = float(params.pairs[params.first & 1u].x);
  o[5] = float(params.last);
}
