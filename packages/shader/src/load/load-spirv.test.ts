import { isComputeError, type Program } from "@kiln-gpu/core";
import { bytesOf } from "@kiln-gpu/core/backend";
import glslangInit from "@webgpu/glslang/dist/node-devel/glslang.js";
import fc from "fast-check";
import { translate } from "naga-wasm";
import { beforeAll, describe, expect, it } from "vitest";
import { loadProgram, splitVariant, wholeVariants } from "../index.js";
import { guaranteed, textOf } from "../wgsl/variants.test-support.js";

type Glslang = Awaited<ReturnType<typeof glslangInit>>;

let glslang: Glslang;

beforeAll(async () => {
  glslang = await new Promise((resolve) => {
    const module = glslangInit();
    module.then((ready) => {
      // It is a thenable that resolves to itself; awaiting it never ends.
      delete (ready as { then?: unknown }).then;
      resolve(ready);
    });
  });
});

function compile(body: string, version: "1.0" | "1.3" = "1.0"): Uint32Array {
  return glslang.compileGLSL(`#version 450\n${body}`, "compute", false, version);
}

const load = (spirv: Uint8Array | Uint32Array, rest: Pick<Program, "entryPoint" | "constants"> = {}) =>
  loadProgram({ spirv, ...rest }, 'Kernel "k"');

const add = `
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 0) readonly buffer A { float a[]; };
layout(std430, set = 0, binding = 1) readonly buffer B { float b[]; };
layout(std430, set = 0, binding = 2) writeonly buffer C { float c[]; };
void main() { uint i = gl_GlobalInvocationID.x; if (i >= c.length()) return; c[i] = a[i] + b[i]; }`;

const saxpy = `
layout(local_size_x = 32, local_size_y = 2) in;
layout(constant_id = 3) const uint repeat = 7;
layout(constant_id = 4) const bool fast = false;
layout(std140, set = 0, binding = 0) uniform Params { float alpha; vec3 offset; uint n; } params;
layout(std430, set = 0, binding = 1) readonly buffer X { float x[]; };
layout(std430, set = 1, binding = 2) buffer Y { float data[]; } y;
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (fast) return;
  if (i < params.n) y.data[i] += params.alpha * x[i] + params.offset.y * float(repeat);
}`;

describe("SPIR-V as glslang writes it", () => {
  it.each([2 ** 30, 2 ** 32 - 1])("refuses an array whose length is set to %i, by its instruction", async (N) => {
    const spirv = compile(`
      layout(local_size_x = 1) in; layout(constant_id = 0) const uint N = 4; shared uint tile[N];
      layout(std430, binding = 0) buffer Y { uint y[]; };
      void main() { tile[y[1] & 3u] = 1u; y[0] = tile[0]; }`);
    await expect(load(spirv, { constants: { N } })).rejects.toThrow(
      new RegExp(
        `^Kernel "k" has an array of ${N} elements \\(OpTypeArray at byte \\d+\\); an array has 1 to 1073741823\\.$`,
      ),
    );
  });

  it("names bindings by variable, sole member or block, and reads blocks of one member as the member", async () => {
    const { interface: shader } = await load(compile(add));
    const array = { kind: "array", element: { kind: "scalar", scalar: "f32", byteLength: 4 }, stride: 4, count: 0 };
    expect(shader.entryPoint).toBe("main");
    expect(shader.workgroupSize).toEqual([64, 1, 1]);
    expect(shader.bindings).toMatchObject([
      { name: "a", group: 0, binding: 0, kind: "storage", access: "read", layout: array },
      { name: "b", group: 0, binding: 1, kind: "storage", access: "read", layout: array },
      { name: "c", group: 0, binding: 2, kind: "storage", access: "read-write", layout: array },
    ]);
    expect(shader.splittable).toEqual({ group: 0, binding: 3 });
    const blocks = await load(
      compile(`layout(local_size_x = 1) in;
        layout(std430, set = 0, binding = 0) buffer Pair { vec2 first; float second; };
        void main() { second = first.x; }`),
    );
    expect(blocks.interface.bindings).toMatchObject([{ name: "Pair", layout: { kind: "struct", byteLength: 16 } }]);
  });

  it("keeps member names and offsets of uniforms", async () => {
    const { interface: shader } = await load(compile(saxpy));
    expect(shader.workgroupSize).toEqual([32, 2, 1]);
    expect(shader.bindings.map(({ name, group, binding }) => [name, group, binding])).toEqual([
      ["params", 0, 0],
      ["x", 0, 1],
      ["y", 1, 2],
    ]);
    expect(shader.bindings[0]).toMatchObject({
      kind: "uniform",
      layout: {
        members: [
          { name: "alpha", offset: 0 },
          { name: "offset", offset: 16 },
          { name: "n", offset: 28 },
        ],
      },
    });
  });

  it("takes specialization constants by name and by id", async () => {
    const spirv = compile(saxpy);
    const byName = await load(spirv, { constants: { repeat: 2, fast: true } });
    expect(await load(spirv, { constants: { 3: 2, 4: true } })).toEqual(byName);
    expect(byName.constants).toEqual({});
    expect(byName.wgsl).not.toEqual((await load(spirv)).wgsl);
    expect(await load(spirv, { constants: { 3: 7 } })).toEqual(await load(spirv));
    await expect(load(spirv, { constants: { repeat: 2, 3: 2 } })).rejects.toThrow('sets its constant "repeat" twice');
    await expect(load(spirv, { constants: { 5: 2 } })).rejects.toThrow(
      'Kernel "k" has no constant "5"; it has "fast" (4), "repeat" (3).',
    );
    await expect(load(spirv, { constants: { fast: 1 } })).rejects.toThrow("as bool; 1 is given");
    const text = { repeat: "2" } as unknown as Record<string, number>;
    await expect(load(spirv, { constants: text })).rejects.toThrow('as u32; "2" is given');
  });

  it("has push constants as immediates, or as a buffer in a free place", async () => {
    const source = (members: string) => `layout(local_size_x = 1) in;
      layout(std430, set = 0, binding = 4) buffer H { float h[]; };
      layout(push_constant) uniform Push { ${members} } push;
      void main() { h[0] = push.v[1]; }`;
    const loaded = await load(compile(source("uint n; vec2 v;")));
    expect(loaded.wgsl).toContain("var<immediate> push");
    expect(textOf(loaded, { immediate: true })).toBe(loaded.wgsl);
    expect(textOf(loaded)).toContain("@group(0) @binding(5) var<uniform> push");
    expect(loaded.interface.bindings[1]).toMatchObject({ isImmediate: true });
    expect(loaded.interface.bindings.map(({ name, binding, kind }) => [name, binding, kind])).toEqual([
      ["h", 4, "storage"],
      ["push", 5, "uniform"],
    ]);
    expect(loaded.interface.splittable).toEqual({ group: 0, binding: 6 });
    const tight = await load(compile(source("uint n; float v[4];")));
    expect(textOf(tight)).toContain("@group(0) @binding(5) var<storage, read> push");
    expect(wholeVariants({ tight }, guaranteed)).toMatchObject([{ immediate: false }]);
    expect(tight.interface.bindings[1]).toMatchObject({ name: "push", kind: "storage", access: "read" });
  });

  it("knows what the module declares beside what the entry point uses", async () => {
    const source = `layout(local_size_x = 1) in;
      layout(std430, set = 0, binding = 0) buffer H { float h[]; };
      layout(std140, set = 0, binding = 1) uniform U { vec3 a; float b; mat3 m; float t[2]; } u;
      layout(std430, set = 2, binding = 7) readonly buffer V { uint count; vec2 v[]; } data;
      layout(std430, set = 2, binding = 8) buffer D { layout(row_major) mat3x4 rows; };
      layout(std140, set = 2, binding = 9) buffer E { mat2 columns; };
      layout(push_constant) uniform Push { uint n; } push;
      void main() { h[0] = 1; }`;
    const { unused } = (await load(compile(source))).interface;
    const scalar = (type: string) => ({ kind: "scalar", scalar: type, byteLength: 4 });
    const vector = (components: number) => ({ kind: "vector", scalar: "f32", components, byteLength: 4 * components });
    const matrix = { kind: "matrix", scalar: "f32", columns: 3, rows: 3, columnStride: 16, byteLength: 48 };
    expect(unused).toEqual([
      {
        ...{ name: "u", group: 0, binding: 1, kind: "uniform", access: "read" },
        layout: {
          ...{ kind: "struct", name: "U", byteLength: 96 },
          members: [
            { name: "a", offset: 0, layout: vector(3) },
            { name: "b", offset: 12, layout: scalar("f32") },
            { name: "m", offset: 16, layout: matrix },
            {
              name: "t",
              offset: 64,
              layout: { kind: "array", element: scalar("f32"), stride: 16, count: 2, byteLength: 32 },
            },
          ],
        },
      },
      {
        ...{ name: "data", group: 2, binding: 7, kind: "storage", access: "read" },
        layout: {
          ...{ kind: "struct", name: "V", byteLength: 8 },
          members: [
            { name: "count", offset: 0, layout: scalar("u32") },
            {
              name: "v",
              offset: 8,
              layout: { kind: "array", element: vector(2), stride: 8, count: 0, byteLength: 0 },
            },
          ],
        },
      },
      {
        ...{ name: "rows", group: 2, binding: 8, kind: "storage", access: "read-write" },
        layout: { ...matrix, columns: 4, byteLength: 64 },
      },
      {
        ...{ name: "push", group: 0, binding: 0, kind: "uniform", access: "read" },
        layout: {
          ...{ kind: "struct", name: "Push", byteLength: 4 },
          members: [{ name: "n", offset: 0, layout: scalar("u32") }],
        },
      },
    ]);
  });

  it("refuses a vector that is too long where its operations are written out", async () => {
    const words = compile(`layout(local_size_x = 1) in; layout(set = 0, binding = 0) buffer O { uvec3 o; };
      void main() { uvec3 carry; o = uaddCarry(o, o.yzx, carry) + carry; }`);
    for (let at = 5; at < words.length; at += words[at]! >>> 16) {
      if ((words[at]! & 0xffff) === 23) words[at + 3] = 2 ** 28;
    }
    await expect(load(words)).rejects.toThrow("OpTypeVector at byte");
  });

  it("names the specialization constants behind a division by 0", async () => {
    const divide = (divisor: string) =>
      compile(`layout(local_size_x = 1) in;
        layout(constant_id = 3) const int size = 0;
        layout(constant_id = 4) const int scale = 2;
        layout(set = 0, binding = 0) buffer O { ivec2 o; };
        void main() { ${divisor} }`);
    const refusal = async (body: string, constants?: Record<string, number>) => {
      const error = await load(divide(body), constants ? { constants } : {}).catch((reason: unknown) => reason);
      expect(isComputeError(error, "invalid-kernel"), String(error)).toBe(true);
      return (error as Error).message.replace(/byte \d+/u, "byte N");
    };
    expect(await refusal("o.x /= size;")).toBe(
      'Kernel "k" divides by the constant 0 (OpSDiv at byte N); the divisor comes from the specialization constant "size" (3), ' +
        "which is not set; give it a value in `constants`.",
    );
    expect(await refusal("o %= ivec2(1, size * scale);", { size: 5, 4: 0 })).toBe(
      'Kernel "k" divides by the constant 0 (OpSMod at byte N); the divisor comes from the specialization constant "size" (3) and ' +
        '"scale" (4); give it a value in `constants`.',
    );
    await expect(load(divide("o.x /= size;"), { constants: { 3: 2 } })).resolves.toBeDefined();
  });

  it("names the specialization constants behind an array without elements and a workgroup without threads", async () => {
    const source = (shared: string, layout = "local_size_x = 1") =>
      compile(`layout(${layout}) in;
        layout(constant_id = 3) const uint size = 7;
        layout(set = 0, binding = 0) buffer O { uint o; };
        shared uint values[${shared}];
        void main() { values[0] = 1; barrier(); o = values[gl_LocalInvocationID.x]; }`);
    const refusal = async (words: Uint32Array, constants?: Record<string, number>) => {
      const error = await load(words, constants ? { constants } : {}).catch((reason: unknown) => reason);
      expect(isComputeError(error, "invalid-kernel"), String(error)).toBe(true);
      return (error as Error).message.replace(/byte \d+/u, "byte N");
    };
    const array = 'Kernel "k" has an array of 0 elements (OpTypeArray at byte N); their number comes from the ';
    // Compilers refuse such a default where they see it.
    const withDefault = (words: Uint32Array, from: number, to: number) => {
      const at = find(words, (opcode, here) => opcode === 50 && words[here + 3] === from);
      return words.with(at + 3, to);
    };
    expect(await refusal(withDefault(source("size"), 7, 0))).toBe(
      `${array}specialization constant "size" (3), which is not set; give it a value in \`constants\`.`,
    );
    expect(await refusal(source("size * 2"), { size: 0 })).toBe(
      `${array}specialization constant "size" (3); give it a value in \`constants\`.`,
    );
    const workgroup = source("4", "local_size_x_id = 6, local_size_y = 2");
    const ofWorkgroup =
      'Kernel "k" has a workgroup of 0 x 2 x 1 threads (OpExecutionMode at byte N); its size comes from the ' +
      "specialization constant 6";
    expect(await refusal(workgroup, { 6: 0 })).toBe(`${ofWorkgroup}; give it a value in \`constants\`.`);
    expect(await refusal(withDefault(workgroup, 1, 0))).toBe(
      `${ofWorkgroup}, which is not set; give it a value in \`constants\`.`,
    );
    await expect(load(source("size"), { constants: { 3: 2 } })).resolves.toBeDefined();
    await expect(load(workgroup, { constants: { 6: 2 } })).resolves.toBeDefined();
  });

  it("takes bytes at any offset", async () => {
    const words = compile(add);
    const shifted = new Uint8Array(words.byteLength + 3);
    shifted.set(bytesOf(words), 3);
    const [fromWords, fromBytes] = await Promise.all([load(words), load(shifted.subarray(3))]);
    expect(fromBytes).toEqual(fromWords);
  });

  it("falls back to the place of a binding whose names were stripped", async () => {
    const words = compile(add);
    const stripped = withoutInstructions(words, (opcode) => opcode === 5 || opcode === 6);
    expect((await load(stripped)).interface.bindings.map(({ name }) => name)).toEqual(["0/0", "0/1", "0/2"]);
  });

  it("runs the workgroup size that a WorkgroupSize constant froze, not LocalSize", async () => {
    const words = compile(`layout(local_size_x = 8, local_size_y = 4) in;
      layout(std430, set = 0, binding = 0) buffer O { uint o[]; };
      void main() { o[gl_GlobalInvocationID.x] = gl_WorkGroupSize.x; }`);
    const mode = find(words, (opcode) => opcode === 16);
    words.set([1, 1, 1], mode + 3);
    const loaded = await load(words);
    expect(loaded.interface.workgroupSize).toEqual([8, 4, 1]);
    expect(loaded.wgsl).toContain("@workgroup_size(8, 4, 1)");
  });

  it("adds the directive that subgroup operations need", async () => {
    const source = `#extension GL_KHR_shader_subgroup_arithmetic : enable
      layout(local_size_x = 8) in;
      layout(std430, set = 0, binding = 0) buffer V { uint v[]; };
      void main() { v[gl_GlobalInvocationID.x] = subgroupAdd(1u); }`;
    expect((await load(compile(source, "1.3"))).wgsl).toMatch(/^enable subgroups;/u);
  });

  it("chooses among several entry points", async () => {
    const spirv = translate({
      from: "wgsl",
      to: "spirv",
      source: `@group(0) @binding(0) var<storage, read_write> o: array<u32>;
        @compute @workgroup_size(4) fn first() { o[0] = 1u; }
        @compute @workgroup_size(8) fn second() { o[0] = 2u; }`,
    });
    await expect(load(spirv)).rejects.toThrow('one of "first", "second"');
    await expect(load(spirv, { entryPoint: "third" })).rejects.toThrow('it has "first", "second"');
    const { interface: shader } = await load(spirv, { entryPoint: "second" });
    expect(shader).toMatchObject({ entryPoint: "second", workgroupSize: [8, 1, 1], bindings: [{ name: "0/0" }] });
  });
});

describe("SPIR-V that is refused", () => {
  const refused: readonly [what: string, body: string, message: string][] = [
    [
      "an image",
      "layout(rgba8, set = 0, binding = 0) uniform writeonly image2D image; void main() { imageStore(image, ivec2(0), vec4(1)); }",
      "OpImageWrite at byte",
    ],
    ["64-bit floats", "layout(set = 0, binding = 0) buffer O { double o; }; void main() { o = 1.0LF; }", "Float64"],
    [
      "an std140 array of scalars, which naga would pack",
      "layout(std140, set = 0, binding = 1) uniform U { float u[4]; }; layout(set = 0, binding = 0) buffer O { float o; }; void main() { o = u[1]; }",
      "the elements of u.u are 16 bytes apart, in WGSL 4",
    ],
    [
      "explicit offsets, which naga would drop",
      "layout(std430, set = 0, binding = 0) buffer O { layout(offset = 16) float o; } block; void main() { block.o = 1; }",
      "block.o is at byte 16, in WGSL at 0",
    ],
    [
      "a matrix whose columns WGSL packs",
      "layout(std140, set = 0, binding = 1) uniform U { mat2 m; }; layout(set = 0, binding = 0) buffer O { float o; }; void main() { o = m[1][1]; }",
      "the columns of m are 16 bytes apart, in WGSL 8 (OpMemberDecorate at byte",
    ],
  ];
  it.each(refused)("refuses %s by name", async (_, body, message) => {
    const error = await load(compile(body)).catch((reason: unknown) => reason);
    expect(isComputeError(error, "unsupported-shader"), String(error)).toBe(true);
    expect((error as Error).message).toContain(message);
  });

  it("says what is wrong with bytes that are not SPIR-V", async () => {
    const bytes = bytesOf(compile(add));
    const swapped = new Uint8Array(bytes).reverse();
    swapped.set([7, 35, 2, 3]);
    const cases: readonly [Uint8Array, string][] = [
      [new Uint8Array(0), "not SPIR-V: they begin with 0 bytes"],
      [new TextEncoder().encode("#version 450"), "not SPIR-V"],
      [swapped, "byte-swapped"],
      [bytes.subarray(0, bytes.length - 1), "a multiple of 4"],
      [bytes.subarray(0, 12), "truncated"],
      [bytes.subarray(0, bytes.length - 6 * 4 + 4), "truncated"],
      [bytes.subarray(0, bytes.length - 4), "it ends inside a function, OpFunction at byte "],
      [
        bytes.subarray(0, find(compile(add), (opcode) => opcode === 54) * 4),
        'its entry point "main", OpEntryPoint at byte 64, has no function',
      ],
    ];
    for (const [given, message] of cases) {
      const error = await load(given).catch((reason: unknown) => reason);
      expect(isComputeError(error, "invalid-kernel"), String(error)).toBe(true);
      expect((error as Error).message).toContain(message);
    }
  });

  it("names the instruction and its offset where SPIR-V is not valid", async () => {
    const words = compile(add);
    const at = find(words, (opcode) => opcode === 128 || opcode === 129);
    words[at + 3] = words[at + 2]!;
    await expect(load(words)).rejects.toThrow(
      `invalid SPIR-V: OpFAdd at byte ${at * 4} uses the id ${words[at + 2]}, which nothing before it defines; \`spirv-val\` explains it.`,
    );
    // Its result is no struct.
    const carry = compile(add);
    carry[at] = (carry[at]! & 0xffff_0000) | 149;
    await expect(load(carry)).rejects.toThrow(`because of OpIAddCarry at byte ${at * 4}: `);
    const unknown = compile(add);
    unknown[at] = (unknown[at]! & 0xffff_0000) | 4450;
    await expect(load(unknown)).rejects.toThrow(`needs OpSDot at byte ${at * 4}, and OpSDot has no translation`);
  });

  /** `words` changed, and the message that they are refused with. */
  async function refusalOf(words: Uint32Array): Promise<string> {
    const reason = await load(words).catch((error: unknown) => error);
    expect(isComputeError(reason, "unsupported-shader"), String(reason)).toBe(true);
    return (reason as Error).message;
  }

  it("names the instruction and its offset where only the translator finds something wrong", async () => {
    const [capability, typeVector, select] = [17, 23, 250];
    const vector = compile(add);
    const vectorAt = find(vector, (opcode) => opcode === typeVector);
    vector[vectorAt + 3] = 9;
    expect(await refusalOf(vector)).toContain(`because of OpTypeVector at byte ${vectorAt * 4}: InvalidVectorSize(9);`);
    const capable = compile(add);
    const capabilityAt = find(capable, (opcode) => opcode === capability);
    capable[capabilityAt + 1] = 0x4000_0001;
    expect(await refusalOf(capable)).toContain(
      `because of OpCapability at byte ${capabilityAt * 4}: UnknownCapability(1073741825);`,
    );
    const condition = compile(add);
    const selectAt = find(condition, (opcode) => opcode === select);
    const functionAt = find(condition, (opcode) => opcode === 54);
    condition[selectAt + 1] = condition[find(condition, (opcode) => opcode === 61) + 2]!;
    expect(await refusalOf(condition)).toContain(`because of OpFunction at byte ${functionAt * 4}: `);
  });

  it("names the variable that the translator finds wrong", async () => {
    for (const wanted of [0, 1, 2]) {
      const words = compile(add);
      // Without its place: what decorates with Binding decorates something that is not there.
      const isPlace = (opcode: number, at: number) => opcode === 71 && words[at + 2] === 33 && words[at + 3] === wanted;
      const at = find(words, isPlace);
      const variable = words[at + 1]!;
      words[at + 2] = 25;
      const variableAt = find(words, (opcode, here) => opcode === 59 && words[here + 2] === variable);
      expect(await refusalOf(words)).toContain(`because of OpVariable at byte ${variableAt * 4}: `);
    }
  });

  it("names the type that the translator finds wrong, or stops at", async () => {
    const [typeStruct, typePointer, memberDecorate, arrayStride, bufferBlock, offset] = [30, 32, 72, 6, 3, 35];
    const overlapping = compile(saxpy);
    const isOffset = (opcode: number, at: number) => opcode === memberDecorate && overlapping[at + 3] === offset;
    const second = find(overlapping, (opcode, at) => isOffset(opcode, at) && overlapping[at + 2] === 1);
    const struct = overlapping[second + 1]!;
    overlapping[second + 4] = 2;
    const structAt = find(overlapping, (opcode, at) => opcode === typeStruct && overlapping[at + 1] === struct);
    expect(await refusalOf(overlapping)).toContain(`because of OpTypeStruct at byte ${structAt * 4}: Type [`);

    const unsized = compile(add);
    const isBlock = (opcode: number, at: number) => opcode === 71 && unsized[at + 2] === bufferBlock;
    const blockAt = find(unsized, isBlock);
    const block = unsized[blockAt + 1];
    unsized[blockAt + 2] = 2;
    const pointerAt = find(unsized, (opcode, at) => opcode === typePointer && unsized[at + 3] === block);
    expect(await refusalOf(unsized)).toContain(`because of OpTypePointer at byte ${pointerAt * 4}: Type [`);

    const stopping = compile(add);
    // A stride that overflows what naga counts with.
    const stride = find(stopping, (opcode, at) => opcode === 71 && stopping[at + 2] === arrayStride);
    const array = stopping[stride + 1];
    stopping[stride + 3] = 0xffff_ffff;
    const holderAt = find(stopping, (opcode, at) => opcode === typeStruct && stopping[at + 2] === array);
    expect(await refusalOf(stopping)).toContain(`because of OpTypeStruct at byte ${holderAt * 4}: naga stops at it`);
  });

  it("names the second of two entry points of one name", async () => {
    const words = compile(add);
    const [at, end] = [15, 16].map((wanted) => find(words, (opcode) => opcode === wanted));
    const twice = Uint32Array.from([...words.subarray(0, end), ...words.subarray(at, end), ...words.subarray(end)]);
    await expect(load(twice)).rejects.toThrow(
      `has several compute entry points "main" (OpEntryPoint at byte ${end! * 4}); their names must differ.`,
    );
  });

  it("names a variable that is not where its type says", async () => {
    const words = compile(add);
    const at = find(words, (opcode, here) => opcode === 59 && words[here + 3] === 2);
    words[at + 3] = 4;
    expect(await refusalOf(words)).toBe(
      `Kernel "k" has a variable of storage class 4 whose type is a pointer into storage class 2 (OpVariable at byte ${at * 4}); both must be the same.`,
    );
  });

  it("refuses types that are small in SPIR-V and endless when written out", async () => {
    const levels = Array.from({ length: 18 }, (_, i) => `struct S${i + 1} { S${i} a; S${i} b; };`).join("\n");
    const source = `struct S0 { float x; };\n${levels}
      layout(std430, set = 0, binding = 0) buffer O { S18 o; };
      void main() { o.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.x = 1; }`;
    await expect(load(compile(source))).rejects.toThrow(
      /has a type of \d+ parts on \d+ levels \(OpTypeStruct at byte/u,
    );
  });

  it("refuses so many functions beside so many constants that their translation would take minutes", async () => {
    const functions = Array.from({ length: 420 }, (_, i) => i);
    const source = (constants: number) => `layout(local_size_x = 1) in;
      layout(std430, set = 0, binding = 0) buffer C { float c[]; };
      const float k[${constants}] = float[](${Array.from({ length: constants }, (_, i) => `${i}.5`).join()});
      ${functions.map((i) => `void f${i}() { c[${i}] = 1; }`).join("\n")}
      void main() { c[0] = k[int(c[1])]; ${functions.map((i) => `f${i}();`).join("\n")} }`;
    await expect(load(compile(source(5000)))).rejects.toThrow(
      /^Kernel "k" has 421 functions, and \d{4} constants and variables/u,
    );
    expect((await load(compile(source(20)))).wgsl).toContain("@compute");
  });

  it("refuses constants whose specialization leaves them undefined", async () => {
    const spirv = compile(`layout(local_size_x = 1) in;
      layout(constant_id = 0) const uint N = 2; const uint M = 12 / N;
      layout(std430, set = 0, binding = 0) buffer O { uint o[]; }; void main() { o[0] = M; }`);
    expect((await load(spirv, { constants: { N: 3 } })).wgsl).toContain("4u");
    await expect(load(spirv, { constants: { N: 0 } })).rejects.toThrow(
      /OpSpecConstantOp at byte \d+ has OpUDiv of 12 and 0/u,
    );
  });

  it("answers as before however many modules have stopped the translator", async () => {
    const good = compile(add);
    const before = await load(good);
    const bad = compile(add);
    // A stride that overflows what naga counts with.
    const stride = find(bad, (opcode, at) => opcode === 71 && bad[at + 2] === 6);
    bad[stride + 3] = 0xffff_ffff;
    for (let i = 0; i < 300; i += 1) {
      const error = await load(bad).catch((reason: unknown) => reason);
      if (!isComputeError(error, "unsupported-shader") || !error.message.includes("naga stops")) throw error;
    }
    expect(await load(good)).toEqual(before);
  });

  it("refuses a module without a compute entry point", async () => {
    const vertex = glslang.compileGLSL("#version 450\nvoid main() { gl_Position = vec4(0); }", "vertex", false, "1.0");
    await expect(load(vertex)).rejects.toMatchObject({ code: "unsupported-shader" });
  });

  it("gives a result or a ComputeError for any damage to a module", async () => {
    const modules = [bytesOf(compile(add)), bytesOf(compile(saxpy))];
    const damage = fc.record({
      at: fc.nat(),
      byte: fc.nat(255),
      word: fc.boolean(),
      length: fc.constantFrom(0, 0, 0, 1, 4, 40),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...modules),
        fc.array(damage, { minLength: 1, maxLength: 4 }),
        async (module, all) => {
          let bytes = module.slice();
          for (const { at, byte, word, length } of all) {
            const place = at % bytes.length;
            if (word) bytes.fill(0, place & ~3, (place & ~3) + 4);
            bytes[word ? place & ~3 : place] = byte;
            bytes = bytes.subarray(0, bytes.length - length);
          }
          try {
            const loaded = await load(bytes);
            const { splittable } = loaded.interface;
            if (typeof splittable !== "string") splitVariant(loaded, { ...splittable, type: "uniform" });
          } catch (error) {
            expect(isComputeError(error), String((error as Error).stack)).toBe(true);
          }
        },
      ),
      { numRuns: 4000, interruptAfterTimeLimit: 20_000 },
    );
    // Nothing that was thrown on the way spoils the translator.
    await expect(load(compile(add))).resolves.toMatchObject({ interface: { entryPoint: "main" } });
  });
});

/** The word at which the first instruction begins that `matches`. */
function find(words: Uint32Array, matches: (opcode: number, at: number) => boolean): number {
  let at = 5;
  while (!matches(words[at]! & 0xffff, at)) at += words[at]! >>> 16;
  return at;
}

function withoutInstructions(words: Uint32Array, matches: (opcode: number) => boolean): Uint32Array {
  const kept = [...words.subarray(0, 5)];
  for (let at = 5; at < words.length; at += words[at]! >>> 16) {
    if (!matches(words[at]! & 0xffff)) kept.push(...words.subarray(at, at + (words[at]! >>> 16)));
  }
  return Uint32Array.from(kept);
}
