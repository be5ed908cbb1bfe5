import { type Bindings, defineKernel, output } from "@kiln-gpu/core";
import { expectSame } from "./expectations.js";

const wgsl = `struct Params { offset: u32, list: array<vec2u, 2> }
  @group(0) @binding(0) var<storage, read> params: Params;
  @group(0) @binding(1) var<storage, read> x: array<u32>;
  @group(0) @binding(2) var<storage, read_write> y: array<u32>;
  @compute @workgroup_size(1) fn main(@builtin(num_workgroups) count: vec3u) {
    y[0] = x[0] * 1000 + params.list[1].y * 100 + params.offset * 10 + count.x;
  }`;

let kernels = 0;
/** A kernel whose source no backend has compiled yet. */
export const freshKernel = () =>
  defineKernel({ label: "k", wgsl: `${wgsl} // ${(kernels += 1)}` as string, threads: () => 1 });

const y = output(Uint32Array, 1);
const calls = [1, 2, 3, 4];
const expected = Uint32Array.from(calls, (i) => i * 1111);

type Run = (bindings: Bindings, options: { readonly workgroups: number | [number] }) => Promise<unknown>;

/** Ways to call `run` several times with objects that the next call changes. */
export const changingCalls: { readonly [way: string]: (run: Run) => Promise<unknown>[] } = {
  "bindings that the next call fills anew": (run) => {
    const bindings: { [name: string]: Bindings[string] } = { y };
    return calls.map((i) => {
      bindings.params = { offset: i, list: [0, i].map((n) => [n, n]) };
      bindings.x = new Uint32Array([i]);
      return run(bindings, { workgroups: i });
    });
  },
  "values that the next call changes in place": (run) => {
    const params = { offset: 0, list: [new Array(2).fill(0), [0, 0]] };
    return calls.map((i) => {
      params.offset = i;
      params.list[1]![1] = i;
      return run({ params, x: new Uint32Array([i]), y }, { workgroups: i });
    });
  },
  "options that the next call changes": (run) => {
    const workgroups: [number] = [0];
    const options = { workgroups };
    return calls.map((i) => {
      workgroups[0] = i;
      const running = run(
        { params: { offset: i, list: [[], [i]].map(() => [i, i]) }, x: new Uint32Array([i]), y },
        options,
      );
      options.workgroups = workgroups;
      return running;
    });
  },
};

/** Expects that each run of one of `changingCalls` saw the values of its own call. */
export async function expectCalls(runs: readonly Promise<unknown>[]): Promise<void> {
  const results = (await Promise.all(runs)) as { readonly y: Uint32Array }[];
  expectSame(
    Uint32Array.from(results, (result) => result.y[0]!),
    expected,
  );
}
