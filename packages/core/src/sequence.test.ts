import { expect, test } from "vitest";
import { type Bindings, output } from "./bindings.js";
import { defineKernel } from "./kernel.js";
import { type Parameters, type RecordRun, type Reference, recordRuns } from "./sequence.js";

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
        "parameters are whole bindings: name the whole of it among them.",
    ),
  );
});

test("a value that contains itself is left to those who know its type", () => {
  const p: Record<string, unknown> = { w: 4, list: [1, 2], data: new Float32Array(2) };
  p.p = p;
  const runs = record({ y: output(Float32Array, 1) }, (run, { y }) => run(heat, { p: p as never, y: y! }));
  expect(runs).toMatchObject([{ kernel: heat, references: { y: { name: "y" } } }]);
  expect(runs[0]!.bindings.p).toBe(p);
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
        'Sequence "s" is recorded by a function that returns a promise; record all runs before it returns, without `async`.',
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
  } finally {
    process.off("unhandledRejection", collect);
  }
  expect(unhandled).toEqual([]);
});
