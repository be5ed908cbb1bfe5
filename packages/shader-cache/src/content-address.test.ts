import { createHash } from "node:crypto";
import type { BindingInfo } from "@kiln-gpu/core/backend";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeCanonically } from "./canonical-encoding.js";
import { contentAddress } from "./content-address.js";
import type { ShaderRequest } from "./shader-request.js";

const numRuns = 500;

const request: ShaderRequest = {
  language: "wgsl",
  source: "@compute fn main() {}",
  constants: { size: 64 },
  interface: {
    entryPoint: "main",
    workgroupSize: [64, 1, 1],
    workgroupByteLength: 0,
    bindings: [],
    unused: [],
    splittable: "it is not",
  },
  split: false,
  immediate: false,
  translator: "none 1",
};

const factor: BindingInfo = {
  name: "factor",
  group: 0,
  binding: 0,
  kind: "uniform",
  access: "read",
  layout: { kind: "scalar", scalar: "f32", byteLength: 4 },
};

/** Other values for every field. A new field of the request must be added here. */
const others: { readonly [Field in keyof ShaderRequest]-?: readonly ShaderRequest[Field][] } = {
  language: ["spirv"],
  source: ["@compute fn main() { }", "", new TextEncoder().encode("@compute fn main() {}")],
  constants: [{}, { size: 65 }, { size: -64 }, { Size: 64 }, { size: 64, other: 0 }, { size: Number.NaN }],
  interface: [
    { entryPoint: "Main" },
    { workgroupSize: [64, 1, 2] as const },
    { workgroupByteLength: 16 },
    { splittable: { group: 0, binding: 0 } },
    { bindings: [factor] },
    { bindings: [{ ...factor, group: 1 }] },
    { bindings: [{ ...factor, kind: "storage" as const }] },
    { bindings: [{ ...factor, layout: { kind: "scalar", scalar: "f32", byteLength: 8 } as const }] },
    { bindings: [factor, factor] },
    { bindings: [{ ...factor, isImmediate: true }] },
    { unused: [factor] },
  ].map((part) => ({ ...request.interface, ...part })),
  split: [true],
  immediate: [true],
  translator: ["none 2", ""],
};

describe("contentAddress", () => {
  const fields = Object.keys(others) as (keyof ShaderRequest)[];

  it.each(fields)("changes with any change of `%s`", async (field) => {
    const addresses = new Set([await contentAddress(request)]);
    for (const value of others[field]) addresses.add(await contentAddress({ ...request, [field]: value }));
    expect(addresses.size).toBe(others[field].length + 1);
  });

  it("changes when a field is left out, or is added", async () => {
    const addresses = new Set([await contentAddress(request)]);
    for (const field of fields) {
      const { [field]: _, ...rest } = request;
      addresses.add(await contentAddress(rest));
    }
    addresses.add(await contentAddress({ ...request, added: undefined }));
    expect(addresses.size).toBe(fields.length + 2);
  });

  it("does not depend on the order of the fields", async () => {
    const reversed = Object.fromEntries(Object.entries(structuredClone(request)).reverse());
    expect(await contentAddress(reversed)).toBe(await contentAddress(request));
  });

  it("is the SHA-256 of the encoding in hexadecimal digits", async () => {
    const expected = createHash("sha256").update(encodeCanonically(request)).digest("hex");
    expect(await contentAddress(request)).toBe(expected);
    expect(expected).toMatch(/^[0-9a-f]{64}$/);
  });

  it("reads the request before the first await", async () => {
    const source = new Uint8Array([1, 2, 3]);
    const address = contentAddress({ source });
    const expected = contentAddress({ source: source.slice() });
    source[0] = 9;
    expect(await address).toBe(await expected);
  });

  it("is the same from version to version, because stores on disk use it", async () => {
    const { split: _, immediate: __, interface: shader, ...others } = request;
    const { workgroupByteLength: ___, ...first } = shader;
    expect(await contentAddress({ ...others, interface: first, variant: "whole" })).toMatchInlineSnapshot(
      `"b330d4280a12e68cc0cf64661647a22d8789b32dbcd0e8aa004a5d2f69bdd460"`,
    );
  });

  it.each([
    ["a bigint", 1n],
    ["a function", () => 0],
    ["a symbol", Symbol("s")],
    ["a Date", new Date(0)],
    ["a Map", new Map()],
    ["another typed array", new Float32Array(1)],
    ["an ArrayBuffer", new ArrayBuffer(1)],
    ["an object of a class", new (class Request {})()],
    ["a field named by a symbol", { [Symbol("s")]: 1 }],
    ["an array with holes", new Array(1)],
    ["an array with a field", Object.assign([1], { extra: 1 })],
  ])("refuses %s, and says where it is", async (_, value) => {
    await expect(contentAddress({ a: [{ b: value }] })).rejects.toThrow(TypeError);
    await expect(contentAddress({ a: [{ b: value }] })).rejects.toThrow(/request\.a\[0\]\.b/);
  });
});

describe("encodeCanonically", () => {
  const bytes = (value: unknown) => [...encodeCanonically(value)].join();

  it("tells apart values that look alike", () => {
    const values = [
      undefined,
      null,
      false,
      true,
      0,
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      "",
      "0",
      "\ud800",
      "\udc00",
      "\ufffd",
      [],
      [[]],
      [undefined],
      ["ab"],
      ["a", "b"],
      [["a"], "b"],
      {},
      { a: undefined },
      { a: "b" },
      { ab: "" },
      { a: {}, b: {} },
      { a: { b: {} } },
      new Uint8Array(0),
      new Uint8Array([1, 0, 0, 0]),
      new Uint32Array([1]),
      new Uint32Array(0),
      [1, 0, 0, 0],
    ];
    expect(new Set(values.map(bytes)).size).toBe(values.length);
  });

  it("encodes every NaN the same", () => {
    const [other] = new Float64Array(new BigUint64Array([0xfff8_0000_0000_0001n]).buffer);
    expect(other).toBeNaN();
    expect(bytes(other)).toBe(bytes(Number.NaN));
  });

  it("covers only the bytes of a view, not its whole buffer", () => {
    const memory = new Uint8Array([9, 1, 2, 9]);
    expect(bytes(memory.subarray(1, 3))).toBe(bytes(new Uint8Array([1, 2])));
  });

  it("covers fields that are not enumerable", () => {
    const hidden = Object.defineProperty({}, "a", { value: 1 });
    expect(bytes(hidden)).toBe(bytes({ a: 1 }));
  });

  it("gives equal bytes exactly for equal values", () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom(undefined, null, true, false, 0, -0, Number.NaN, 1),
        fc.string({ unit: "binary", maxLength: 3 }),
        fc.uint8Array({ maxLength: 3 }),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(fc.string({ maxLength: 2 }), tie("value"), { maxKeys: 3, noNullPrototype: true }),
      ),
    }));
    const pair = fc.oneof(
      fc.tuple(value, value),
      value.map((one) => [one, structuredClone(one)] as const),
    );
    fc.assert(
      fc.property(pair, ([a, b]) => {
        let isEqual = true;
        try {
          expect(a).toStrictEqual(b);
        } catch {
          isEqual = false;
        }
        expect(bytes(a) === bytes(b)).toBe(isEqual);
      }),
      { numRuns },
    );
  });
});
