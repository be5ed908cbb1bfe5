import type { PlannedResult, RunPlan } from "@kiln-gpu/core/backend";
import { expect, test } from "vitest";
import { allocateResults } from "./allocate-results.js";

const planOf = (...results: readonly (PlannedResult | undefined)[]): RunPlan => ({
  label: "k",
  resources: results.map((result, i) => ({ name: `r${i}`, byteLength: 4, access: "read-write", result })),
  dispatches: [],
  isEmpty: false,
  bound: new Map(),
  shape: {},
});

const long = 10_000;

test("makes an array of its own memory for each large result that is neither leased nor has the caller's memory", () => {
  const into = new Uint32Array(long);
  const made = allocateResults(
    planOf(
      undefined,
      { type: Uint8Array, length: long - 3 },
      { type: Uint32Array, length: long, into },
      { type: Uint32Array, length: long, isLeased: true },
      { type: Float32Array, length: 3 },
      { type: Float32Array, length: 40 * long },
    ),
  )!;
  expect(Array.from(made, (data) => data?.length)).toEqual([
    undefined,
    long - 3,
    undefined,
    undefined,
    undefined,
    40 * long,
  ]);
  for (const [i, type] of [
    [1, Uint8Array],
    [5, Float32Array],
  ] as const) {
    const data = made[i]!;
    expect(data).toBeInstanceOf(type);
    expect([data.byteOffset, data.buffer.byteLength]).toEqual([0, data.byteLength]);
    expect(data.buffer.constructor).toBe(ArrayBuffer);
  }
});

test("makes nothing where all results are small", () => {
  expect(allocateResults(planOf({ type: Float32Array, length: 3 }))).toBeUndefined();
});

test("makes nothing where the host refuses the memory", () => {
  expect(allocateResults(planOf({ type: Uint8Array, length: 2 ** 50 }))).toBeUndefined();
});
