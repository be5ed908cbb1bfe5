import { expect, test } from "vitest";
import { type Bindings, output } from "../bindings/bindings.js";
import type { Parameters, RecordRun, Reference } from "../contract/sequence.js";
import { defineKernel } from "../kernel/kernel.js";
import { recordRuns } from "./record-runs.js";

const heat = defineKernel<Bindings>({ label: "heat", wgsl: "@compute @workgroup_size(64) fn main() {}" as string });

type Build = (run: RecordRun, references: { readonly [name: string]: Reference }) => unknown;

const record = (parameters: Parameters, build: Build) => recordRuns("s", parameters, build as () => void);

const refusal = (code: string, message: string) => expect.objectContaining({ name: "ComputeError", code, message });

test.each<[string, (k: Reference) => unknown, string]>([
  ["an object", (k) => ({ w: 4, h: 4, k }), "p.k"],
  ["an object in it", (k) => ({ w: 4, inner: { k } }), "p.inner.k"],
  ["an array", (k) => [1, k], "p[1]"],
])("a reference within %s is refused, for parameters are whole bindings", (_, valueWith, path) => {
  expect(() => record({ k: 0.1 }, (run, { k }) => run(heat, { p: valueWith(k!) as never }))).toThrow(
    refusal(
      "invalid-binding",
      `Sequence "s" binds the reference of its parameter "k" as "${path}", within "p" of kernel "heat"; ` +
        'a parameter is a whole binding: make all of "p" one.',
    ),
  );
});

test("a value that contains itself is left to those who know its type", () => {
  const p: Record<string, unknown> = { w: 4, list: [1, 2], data: new Float32Array(2) };
  p.p = p;
  const runs = record({ y: output(Float32Array, 1) }, (run, { y }) => run(heat, { p: p as never, y: y! }));
  expect(runs).toMatchObject([{ kernel: heat, references: { y: { name: "y" } } }]);
  const taken = runs[0]!.bindings.p as Record<string, unknown>;
  expect(taken).toMatchObject({ w: 4, list: [1, 2], data: p.data });
  expect(taken.p).toBe(taken);
});

test.each<[string, Build]>([
  ["an async function", async (run, { alpha }) => run(heat, { alpha: alpha! })],
  [
    "one that records on, which is refused and whose rejection is handled",
    async (run, { alpha }) => {
      run(heat, { alpha: alpha! });
      await undefined;
      run(heat, { alpha: alpha! });
    },
  ],
  ["one that rejects", () => Promise.reject(new Error("mine"))],
])("%s cannot record", async (_, build) => {
  const unhandled: unknown[] = [];
  const collect = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", collect);
  try {
    expect(() => record({ alpha: 1 }, build)).toThrow(
      refusal(
        "invalid-option",
        'Sequence "s": its function `build` returned a promise; ' +
          "it is called and read at once, so it cannot be `async`.",
      ),
    );
    // Node tells of rejections that nothing handles before it runs an immediate.
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off("unhandledRejection", collect);
  }
  expect(unhandled).toEqual([]);
});

test("what a run binds is taken as it is asked for", () => {
  const p = { i: 0, list: [0] };
  const x = new Uint32Array([0]);
  const b: Record<string, unknown> = { p, x };
  const workgroups: [number] = [1];
  const runs = record({ y: output(Float32Array, 1) }, (run, { y }) => {
    for (let i = 0; i < 3; i += 1) {
      p.i = i;
      p.list[0] = i;
      x[0] = i;
      b.y = y;
      workgroups[0] = i;
      run(heat, b as never, { workgroups });
    }
  });
  b.x = "changed";
  expect(runs.map(({ bindings, size }) => ({ p: bindings.p, x: bindings.x, size }))).toEqual(
    [0, 1, 2].map((i) => ({ p: { i, list: [i] }, x: new Uint32Array([i]), size: { workgroups: [i] } })),
  );
});

test("an array that is bound several times is copied once for all elements that it had", () => {
  const x = new Float32Array([1, Number.NaN]);
  const runs = record({ y: output(Float32Array, 1) }, (run, { y }) => {
    for (const first of [1, 1, 0, -0]) {
      x[0] = first;
      run(heat, { x, y: y! });
    }
  });
  const [one, again, zero, negative] = runs.map(({ bindings }) => bindings.x);
  expect(one).not.toBe(x);
  expect(again).toBe(one);
  expect(zero).toEqual(new Float32Array([0, Number.NaN]));
  expect(negative).toEqual(new Float32Array([-0, Number.NaN]));
});

test("what `build` throws is told with its name", () => {
  const build = () => (undefined as never as { x: number }).x as never;
  expect(() => record({ alpha: 1 }, build)).toThrow(
    refusal(
      "invalid-option",
      expect.stringMatching(/^Sequence "s": its function `build` threw TypeError: Cannot read/),
    ),
  );
});
