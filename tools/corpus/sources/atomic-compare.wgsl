@group(0) @binding(0) var<storage, read_write> total: atomic<u32>;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@compute @workgroup_size(32) fn main(@builtin(local_invocation_index) i: u32) {
  let add = x[i];
  var old = atomicLoad(&total);
  for (var tries = 0; tries < 10000; tries++) {
    let found = atomicCompareExchangeWeak(&total, old, old + add);
    if (found.exchanged) { break; }
    old = found.old_value;
  }
}
