import { type Bindings, bytes, defineKernel, inout, output } from "@kiln-gpu/core";
import { fieldAdd, saxpy } from "@kiln-gpu/kernels";
import { expectError, expectSame } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

export function describeLengths(suite: Suite): void {
  describe("lengths", () => {
    const backend = useBackend(suite);
    const none = new Float32Array(0);
    const some = new Float32Array([1, 2, 3]);

    it("of zero in every result return empty arrays without a submission", async () => {
      const before = backend().stats().submissions;
      const added = await backend().run(fieldAdd, { a: some, b: none, c: output(Float32Array, 0) });
      expectSame(added.c, none);
      const scaled = await backend().run(saxpy, { alpha: 1, x: none, y: inout(none) });
      expectSame(scaled.y, none);
      expect(scaled.y).not.toBe(none);
      expect(backend().stats().submissions).toBe(before);
    });

    it("of zero among others are refused by name", async () => {
      const c = output(Float32Array, 3);
      await expectError(
        backend().run(fieldAdd, { a: some, b: none, c }),
        "invalid-binding",
        /"field-add".*"b".*no elements/,
      );
      const two = defineKernel({
        label: "two",
        wgsl: `@group(0) @binding(0) var<storage, read_write> first: array<f32>;
          @group(0) @binding(1) var<storage, read_write> second: array<f32>;
          @compute @workgroup_size(1) fn main() { first[0] = 1; second[0] = 1; }`,
      });
      for (const [first, second] of [
        [c, output(Float32Array, 0)],
        [output(Float32Array, 0), inout(some)],
      ] as const) {
        const name = first === c ? /"second"/ : /"first"/;
        await expectError(backend().run(two, { first, second }), "invalid-binding", name, /no elements/);
      }
    });

    it("that are not whole elements, or not multiples of 4 bytes, are refused by name", async () => {
      const words = defineKernel<Bindings>({
        label: "words",
        wgsl: `@group(0) @binding(0) var<storage, read> a: array<u32>;
          @group(0) @binding(1) var<storage, read_write> c: array<u32>;
          @compute @workgroup_size(1) fn main() { c[0] = a[0]; }`,
      });
      const refuse = (bindings: Bindings, ...expected: RegExp[]) =>
        expectError(backend().run(words, bindings), "invalid-binding", /"words"/, ...expected);
      await refuse({ a: bytes(new Uint8Array(6)), c: output(Uint32Array, 1) }, /"a".*array<u32>.*4 bytes.*6/);
      await refuse({ a: new Uint32Array(1), c: output(Uint8Array, 7) }, /"c".*array<u32>.*4 bytes.*7/);
      await refuse({ a: new Uint32Array(1), c: inout(bytes(new Uint8Array(9))) }, /"c".*array<u32>.*4 bytes.*9/);
      const halves = defineKernel({
        label: "halves",
        wgsl: `enable f16;
          @group(0) @binding(0) var<storage, read_write> c: array<f16>;
          @compute @workgroup_size(1) fn main() { c[0] = 1; }`,
      });
      await expectError(
        backend().run(halves, { c: output(Uint16Array, 3) }),
        "invalid-binding",
        /"halves".*"c".*array<f16>.*multiples of 4.*arrayLength.*6 bytes/,
      );
    });

    it("of unpadded vectors of three are refused with the reason", async () => {
      const vectors = defineKernel({
        label: "vectors",
        wgsl: `@group(0) @binding(0) var<storage, read> a: array<vec3f>;
          @group(0) @binding(1) var<storage, read_write> c: array<vec3f>;
          @compute @workgroup_size(1) fn main() { c[0] = a[0]; }`,
      });
      const padded = new Float32Array(8);
      for (const bindings of [
        { a: new Float32Array(9), c: output(Float32Array, 8) },
        { a: padded, c: output(Float32Array, 6) },
        { a: padded, c: inout(new Float32Array(3)) },
      ]) {
        await expectError(
          backend().run(vectors, bindings),
          "invalid-binding",
          /array<vec3<f32>>.*16 bytes.*padded to four/,
        );
      }
    });

    it("leave room for the padding after one element", async () => {
      const padded = defineKernel({
        label: "padded",
        wgsl: `struct Padded { at: vec3f, n: u32, rest: array<u32> }
          @group(0) @binding(0) var<storage, read_write> c: array<u32>;
          @group(0) @binding(1) var<storage, read> padded: Padded;
          @compute @workgroup_size(1) fn main() { c[0] = padded.n + padded.rest[0] + arrayLength(&padded.rest); }`,
      });
      const run = (length: number) =>
        backend().run(padded, { c: output(Uint32Array, 1), padded: new Uint32Array(length).fill(3) });
      expectSame((await run(8)).c, new Uint32Array([3 + 3 + 4]));
      await expectError(run(5), "invalid-binding", /"padded".*at least 32 bytes.*20/);
    });

    it("that differ from a fixed-size type are refused with both lengths", async () => {
      const fixed = defineKernel({
        label: "fixed",
        wgsl: `struct Header { total: u32, rest: array<u32> }
          @group(0) @binding(0) var<uniform> factors: vec4f;
          @group(0) @binding(1) var<storage, read_write> c: array<f32, 6>;
          @group(0) @binding(2) var<storage, read> header: Header;
          @compute @workgroup_size(1) fn main() { c[0] = factors.x + f32(header.total + header.rest[0]); }`,
      });
      const right = {
        factors: new Float32Array([1, 2, 3, 4]),
        c: output(Float32Array, 6),
        header: new Uint32Array([5, 6]),
      };
      expectSame((await backend().run(fixed, right)).c, new Float32Array([12, 0, 0, 0, 0, 0]));
      const refuse = (change: Bindings, ...words: RegExp[]) =>
        expectError(backend().run(fixed, { ...right, ...change }), "invalid-binding", ...words);
      await refuse({ factors: new Float32Array(3) }, /"factors".*vec4<f32>.*16 bytes.*12/);
      await refuse({ c: output(Float32Array, 7) }, /"c".*array<f32, 6>.*24 bytes.*28/);
      await refuse({ header: new Uint32Array(1) }, /"header".*Header.*4 bytes/);
    });
  });
}
