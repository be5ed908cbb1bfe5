@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
fn collatz(start: u32) -> u32 {
  var n = start;
  var steps = 0u;
  while (n != 1u) { n = select(3u * n + 1u, n >> 1u, (n & 1u) == 0u); steps++; }
  return steps;
}
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
  let n = x[id.x] % 100u + 1u;
  var sum = 0u;
  for (var a = 0u; a < n; a++) {
    if (a % 5u == 3u) { continue; }
    for (var b = a; ; b += 2u) {
      if (b > a + 6u) { break; }
      if (b % 7u == 0u) { sum += 1000u; continue; }
      sum += b;
    }
    if (sum > 100000u) { break; }
  }
  var k = 0u;
  loop { sum ^= k; k += 3u; if (k >= n) { break; } }
  y[id.x] = sum + collatz(n);
}
