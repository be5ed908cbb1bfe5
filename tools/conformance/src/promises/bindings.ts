import { bytes, defineKernel, inout, output, type TypedArray } from "@kiln-gpu/core";
import { fieldAdd, saxpy } from "@kiln-gpu/kernels";
import { expectError, expectSame, RandomData, WatchedDevices } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

/** `c[i] = a[i] + 1` in integers, with the array lengths that the shader sees. */
const increment = defineKernel({
  label: "increment",
  threads: ({ a, c }) => Math.max(a.length, c.length),
  wgsl: `@group(0) @binding(0) var<storage, read> a: array<u32>;
    @group(0) @binding(1) var<storage, read_write> c: array<u32>;
    @group(0) @binding(2) var<storage, read_write> lengths: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&c)) { c[id.x] = a[id.x] + 1; }
      if (id.x == 0) { lengths[0] = arrayLength(&a); lengths[1] = arrayLength(&c); lengths[2] = arrayLength(&lengths); }
    }`,
});

const incremented = (values: Uint32Array) => values.map((value) => value + 1);

export function describeBindings(suite: Suite): void {
  describe("bindings", () => {
    const backend = useBackend(suite);
    const data = new RandomData(3);
    const lengths = output(Uint32Array, 3);

    it("show the shader their own lengths", async () => {
      for (const length of [1, 7, 64, 65, 1001]) {
        const a = data.words(length + 2, 1000);
        const results = await backend().run(increment, { a, c: output(Uint32Array, length), lengths });
        expectSame(results.c, incremented(a.subarray(0, length)));
        expect([...results.lengths]).toEqual([length + 2, length, 3]);
      }
    });

    it("are raw bytes if marked as bytes, or if a Uint8Array is requested", async () => {
      const words = data.words(33, 1000);
      const given = new Uint8Array(words.buffer);
      const first = await backend().run(increment, { a: bytes(given), c: output(Uint8Array, 132), lengths });
      expectSame(first.c, new Uint8Array(incremented(words).buffer));
      for (const same of [words.buffer, new Uint8ClampedArray(words.buffer), words, new DataView(words.buffer)]) {
        const { c } = await backend().run(increment, { a: bytes(same), c: output(Uint32Array, 33), lengths });
        expectSame(c, incremented(words));
      }
      const back = await backend().run(increment, { a: words, c: inout(bytes(new Uint8Array(132))), lengths });
      expectSame(back.c, new Uint8Array(incremented(words).buffer));
    });

    it("are not read as bytes unless marked as bytes", async () => {
      const words = data.words(8, 1000);
      const given = new Uint8Array(words.buffer);
      for (const a of [given, new Uint8ClampedArray(words.buffer)]) {
        const refused = backend().run(increment, { a: a as never, c: output(Uint32Array, 8), lengths });
        await expectError(refused, "invalid-binding", /"a" as array<u32>.*Uint32Array; got a Uint8.*bytes\(a\)/);
      }
      const c = inout(given) as never;
      await expectError(
        backend().run(increment, { a: words, c, lengths }),
        "invalid-binding",
        /"c" as array<u32>.*Uint32Array; got a Uint8Array.*bytes\(c\)/,
      );
    });

    it("are returned in the caller's array, which nothing else writes", async () => {
      const words = data.words(41, 1000);
      const whole = new Uint32Array(60).fill(7);
      const into = whole.subarray(10, 51);
      const results = await backend().run(increment, { a: words, c: output(Uint32Array, 41, { into }), lengths });
      expect(results.c).toBe(into);
      expectSame(into, incremented(words));
      expect([...whole.subarray(0, 10), ...whole.subarray(51)].every((value) => value === 7)).toBe(true);

      const y = data.floats(50);
      const x = data.floats(50);
      const before = y.slice();
      const scaled = await backend().run(saxpy, { alpha: 1, x, y: inout(y, { into: y }) });
      expect(scaled.y).toBe(y);
      expectSame(
        y,
        before.map((value, i) => Math.fround(x[i]! + value)),
      );
    });

    it("may be detached once the run has settled, even early, without affecting other runs", async () => {
      for (const length of [1000, 100_000]) {
        for (let i = 0; i < 5; i += 1) {
          const stop = new AbortController();
          const a = data.words(length, 1000);
          const run = backend().run(increment, { a, c: output(Uint32Array, length), lengths }, { signal: stop.signal });
          for (let turn = 0; turn < i; turn += 1) await undefined;
          stop.abort();
          await expect(run).rejects.toMatchObject({ code: "aborted" });
          structuredClone(a.buffer, { transfer: [a.buffer] });
          const words = data.words(length, 1000);
          const { c } = await backend().run(increment, { a: words, c: output(Uint32Array, length), lengths });
          expectSame(c, incremented(words));
        }
      }
    });

    it("that are detached earlier reject only their own run, or were already read", async () => {
      for (const length of [1000, 100_000]) {
        const a = data.words(length, 1000);
        const expected = incremented(a);
        const run = backend().run(increment, { a, c: output(Uint32Array, length), lengths });
        const settled = run.then(
          ({ c }) => expectSame(c, expected),
          (error) => expect(error).toMatchObject({ code: "invalid-binding", message: expect.stringMatching(/"a"/) }),
        );
        structuredClone(a.buffer, { transfer: [a.buffer] });
        await settled;
        const words = data.words(length, 1000);
        const { c } = await backend().run(increment, { a: words, c: output(Uint32Array, length), lengths });
        expectSame(c, incremented(words));
      }
    });

    it("that receive results reject only their own run if they are detached", async () => {
      const words = data.words(300, 1000);
      await backend().run(increment, { a: words, c: output(Uint32Array, 300), lengths });
      const into = new Uint32Array(300);
      const run = backend().run(increment, { a: words, c: output(Uint32Array, 300, { into }), lengths });
      const beside = backend().run(increment, { a: words, c: output(Uint32Array, 300), lengths });
      structuredClone(into.buffer, { transfer: [into.buffer] });
      await expect(run).rejects.toMatchObject({ code: "invalid-binding", message: expect.stringMatching(/"c".* 300/) });
      expectSame((await beside).c, incremented(words));
    });

    it("may be named like members that every object inherits", async () => {
      const named = defineKernel({
        label: "named",
        programs: {
          main: {
            wgsl: `@group(0) @binding(0) var<storage, read> constructor: array<u32>;
              @group(0) @binding(1) var<uniform> valueOf: u32;
              @group(0) @binding(2) var<storage, read_write> toString: array<u32>;
              @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
                if (id.x < arrayLength(&toString)) { toString[id.x] = constructor[id.x] * valueOf; }
              }`,
          },
        },
        passes: () => [{ program: "main", bindings: { valueOf: 3 } }],
      });
      const words = data.words(70, 1000);
      const results = await backend().run(named, { constructor: words, toString: output(Uint32Array, 70) } as never);
      expectSame(
        (results as never as { toString: Uint32Array }).toString,
        words.map((word) => word * 3),
      );
      await expect(backend().run(named, { toString: output(Uint32Array, 70) } as never)).rejects.toMatchObject({
        code: "invalid-binding",
        message: expect.stringMatching(/"constructor", which is missing/),
      });
    });

    it.runIf(suite.capabilities.adoptsDevice)(
      "leave the caller's array alone when the run is aborted while the GPU works",
      async () => {
        const devices = new WatchedDevices();
        const own = await suite.open({ device: devices.device });
        const into = new Uint32Array(41).fill(7);
        const stop = new AbortController();
        const submission = devices.nextSubmission();
        const run = own.run(
          increment,
          { a: data.words(41, 1000), c: output(Uint32Array, 41, { into }), lengths },
          { signal: stop.signal },
        );
        await submission;
        stop.abort();
        await expect(run).rejects.toMatchObject({ code: "aborted" });
        // Waits until the aborted run has ended on the device.
        await own.dispose();
        expect(into.every((value) => value === 7)).toBe(true);
      },
    );

    it("may be parts of larger buffers, at any byte offset", async () => {
      const words = data.words(100, 1000);
      const a = words.subarray(37, 78);
      expectSame((await backend().run(increment, { a, c: output(Uint32Array, 41), lengths })).c, incremented(a));
      const odd = new Uint8Array(1 + words.byteLength);
      odd.set(new Uint8Array(words.buffer), 1);
      const { c } = await backend().run(increment, { a: bytes(odd.subarray(1)), c: output(Uint32Array, 100), lengths });
      expectSame(c, incremented(words));
      for (const length of [21, 20_001]) {
        const whole = data.floats(length + 29);
        const y = inout(whole.subarray(9, 9 + length));
        const scaled = await backend().run(saxpy, { alpha: 0, x: whole.subarray(0, length), y });
        expectSame(scaled.y, whole.slice(9, 9 + length));
      }
    });

    it.each([10, 10_000, 20_000])("may lie in shared memory, %i elements of it", async (length) => {
      const a = new Uint32Array(new SharedArrayBuffer(4 * length));
      a.set(data.words(length, 1000));
      const { c } = await backend().run(increment, { a, c: output(Uint32Array, length), lengths });
      expectSame(c, incremented(Uint32Array.from(a)));
      const y = new Float32Array(new SharedArrayBuffer(4 * length));
      y.set(data.floats(length));
      const scaled = await backend().run(saxpy, { alpha: 0, x: data.floats(length), y: inout(y) });
      expectSame(scaled.y, Float32Array.from(y));
      expect(scaled.y.buffer).toBeInstanceOf(ArrayBuffer);
    });

    it("may be one array, bound to two inputs", async () => {
      const a = data.floats(300);
      const { c } = await backend().run(fieldAdd, { a, b: a, c: output(Float32Array, 300) });
      expectSame(
        c,
        a.map((value) => value + value),
      );
    });

    it("leave inputs unchanged and return new arrays every time", async () => {
      const [x, y] = [data.floats(130), data.floats(130)];
      const [xBefore, yBefore] = [x.slice(), y.slice()];
      const bindings = { alpha: 3, x, y: inout(y) };
      const first = await backend().run(saxpy, bindings);
      const kept = first.y.slice();
      const second = await backend().run(saxpy, bindings);
      expectSame(x, xBefore);
      expectSame(y, yBefore);
      const buffers = new Set([x.buffer, y.buffer, first.y.buffer, second.y.buffer]);
      expect(buffers.size).toBe(4);
      expect(first.y.byteLength).toBe(first.y.buffer.byteLength);
      second.y.fill(0);
      await backend().run(saxpy, { alpha: -3, x, y: inout(x) });
      expectSame(first.y, kept);
    });

    it("return several outputs of several types and lengths", async () => {
      const kernel = defineKernel({
        label: "several",
        wgsl: `@group(0) @binding(0) var<storage, read> a: array<f32>;
          @group(0) @binding(3) var<storage, read_write> integers: array<i32>;
          @group(0) @binding(1) var<storage, read_write> halves: array<f32>;
          @group(0) @binding(7) var<storage, read_write> totals: array<atomic<u32>, 2>;
          @group(0) @binding(2) var<storage, read_write> both: array<vec2u>;
          @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
            if (id.x >= arrayLength(&a)) { return; }
            if (id.x < arrayLength(&halves)) { halves[id.x] = a[id.x] / 2; }
            integers[id.x] = -i32(id.x);
            both[id.x] = vec2u(id.x, 2 * id.x);
            atomicAdd(&totals[id.x % 2], 1);
          }`,
        threads: ({ a }) => (a as Float32Array).length,
      });
      const a = data.floats(99);
      const results = await backend().run(kernel, {
        a,
        halves: output(Float32Array, 50),
        integers: output(Int32Array, 99),
        both: output(Uint32Array, 198),
        totals: output(Uint32Array, 2),
      });
      expect(Object.keys(results).sort()).toEqual(["both", "halves", "integers", "totals"]);
      expectSame(results.halves, a.subarray(0, 50).map((value) => value / 2) as TypedArray);
      expectSame(
        results.integers,
        Int32Array.from(a, (_, i) => -i),
      );
      expectSame(
        results.both,
        Uint32Array.from({ length: 198 }, (_, i) => (i % 2 === 0 ? i / 2 : i - 1)),
      );
      expect([...results.totals]).toEqual([50, 49]);
    });

    it("lie in several bind groups, with a gap between them", async () => {
      const kernel = defineKernel({
        label: "groups",
        wgsl: `@group(0) @binding(1) var<storage, read> a: array<f32>;
          @group(2) @binding(0) var<uniform> factor: f32;
          @group(2) @binding(5) var<storage, read_write> c: array<f32>;
          @group(3) @binding(0) var<storage, read> b: array<f32>;
          @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
            if (id.x < arrayLength(&c)) { c[id.x] = factor * (a[id.x] - b[id.x]); }
          }`,
      });
      const [a, b] = [data.floats(70), data.floats(70)];
      const { c } = await backend().run(kernel, { a, b, factor: 2, c: output(Float32Array, 70) });
      expectSame(
        c,
        a.map((value, i) => 2 * Math.fround(value - b[i]!)),
      );
    });

    it("of a struct that ends in an array hold both", async () => {
      const kernel = defineKernel({
        label: "tail",
        wgsl: `struct Items { count: u32, scale: f32, items: array<vec2f> }
          @group(0) @binding(0) var<storage, read> input: Items;
          @group(0) @binding(1) var<storage, read_write> result: Items;
          @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
            if (id.x == 0) { result.count = arrayLength(&input.items); result.scale = -input.scale; }
            if (id.x < input.count) { result.items[id.x] = input.scale * input.items[id.x].yx; }
          }`,
      });
      const items = data.floats(2 * 21);
      const input = new Float32Array(2 + items.length);
      input.set(items, 2);
      input[1] = 4;
      new Uint32Array(input.buffer)[0] = 20;
      const { result } = await backend().run(kernel, { input, result: output(Uint8Array, input.byteLength) });
      expect(new Uint32Array(result.buffer)[0]).toBe(21);
      const expected = new Float32Array(1 + items.length);
      expected[0] = -4;
      for (let i = 0; i < 40; i += 1) expected[1 + i] = 4 * items[i ^ 1]!;
      expectSame(new Float32Array(result.buffer, 4), expected);
    });

    it("of array<vec3f> are padded to four components", async () => {
      const kernel = defineKernel({
        label: "vectors",
        wgsl: `@group(0) @binding(0) var<storage, read> a: array<vec3f>;
          @group(0) @binding(1) var<storage, read_write> c: array<vec3f>;
          @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
            if (id.x < arrayLength(&c)) { c[id.x] = 2 * a[id.x].zxy; }
          }`,
      });
      const a = data.floats(4 * 65);
      const { c } = await backend().run(kernel, { a, c: output(Float32Array, a.length) });
      const order = [2, 0, 1];
      expectSame(
        c,
        a.map((_, i) => (i % 4 === 3 ? 0 : 2 * a[i - (i % 4) + order[i % 4]!]!)),
      );
    });

    it("are distinguished even if every JavaScript object has members of these names", async () => {
      const kernel = defineKernel({
        label: "names",
        wgsl: `@group(0) @binding(0) var<storage, read> constructor: array<u32>;
          @group(0) @binding(1) var<storage, read_write> toString: array<u32>;
          @compute @workgroup_size(1) fn main() { toString[0] = constructor[0]; }`,
      });
      const results = await backend().run(kernel, {
        constructor: new Uint32Array([9]),
        toString: output(Uint32Array, 1),
      });
      expect([...(results.toString as unknown as Uint32Array)]).toEqual([9]);
    });
  });
}
