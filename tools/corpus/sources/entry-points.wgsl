@group(0) @binding(0) var<storage, read_write> o: array<u32>;
@compute @workgroup_size(4) fn first(@builtin(global_invocation_id) id: vec3u) { o[id.x] = id.x + 1u; }
@compute @workgroup_size(8) fn second(@builtin(global_invocation_id) id: vec3u) { o[id.x] = id.x * 2u; }
@vertex fn vertex(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f { return vec4f(f32(i)); }
@fragment fn fragment() -> @location(0) vec4f { return vec4f(1.0); }
