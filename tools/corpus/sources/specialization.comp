#version 450
layout(local_size_x = 8) in;
layout(constant_id = 3) const uint repeat = 7;
layout(constant_id = 4) const bool negate = false;
layout(constant_id = 5) const float scale = 0.5;
layout(constant_id = 6) const int shift = -2;
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) buffer Y { float y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  float sum = 0.0;
  for (uint k = 0; k < repeat; k++) sum += x[i] * scale;
  y[i] = (negate ? -sum : sum) + float(shift);
}
