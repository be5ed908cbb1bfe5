#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) buffer Y { float y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  float v = x[i];
  float p = abs(v) + 0.5;
  uint at = i * 24u;
  y[at] = floor(v); y[at + 1u] = ceil(v); y[at + 2u] = fract(v); y[at + 3u] = trunc(v);
  y[at + 4u] = sqrt(p); y[at + 5u] = inversesqrt(p); y[at + 6u] = mix(v, 3.0, 0.25); y[at + 7u] = clamp(v, -1.0, 1.0);
  y[at + 8u] = sin(v); y[at + 9u] = cos(v); y[at + 10u] = atan(v, p); y[at + 11u] = exp(v * 0.1);
  y[at + 12u] = log(p); y[at + 13u] = exp2(v * 0.1); y[at + 14u] = log2(p); y[at + 15u] = pow(p, 1.5);
  y[at + 16u] = sign(v); y[at + 17u] = step(0.0, v); y[at + 18u] = smoothstep(-2.0, 2.0, v); y[at + 19u] = fma(v, 2.0, p);
  y[at + 20u] = mod(v, 1.5); y[at + 21u] = roundEven(v); y[at + 22u] = ldexp(v, 3); y[at + 23u] = tanh(v * 0.1);
}
