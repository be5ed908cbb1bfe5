import { output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference } from "@kiln-gpu/kernels";
import { eventually, expectSame, type RandomData } from "@kiln-gpu/test-support";
import { expect } from "vitest";
import type { PersistentComputeBackend } from "../index.js";

export async function stageFloats(gpu: PersistentComputeBackend, values: Float32Array) {
  const staged = await gpu.stage(Float32Array, values.length);
  staged.data.set(values);
  return staged;
}

/** Adds two staged arrays of random floats, and checks the sum. */
export async function addStaged(gpu: PersistentComputeBackend, data: RandomData, length: number): Promise<void> {
  const [a, b] = [data.floats(length), data.floats(length)];
  const [left, right] = [await stageFloats(gpu, a), await stageFloats(gpu, b)];
  const { c } = await gpu.run(fieldAdd, { a: left, b: right, c: output(Float32Array, length) });
  expectSame(c, fieldAddReference(a, b));
}

/** Resolves once one call waits for memory. */
export function waitForOne(gpu: PersistentComputeBackend): Promise<void> {
  return eventually(() => expect(gpu.stats().buffers.waiting).toBe(1));
}
