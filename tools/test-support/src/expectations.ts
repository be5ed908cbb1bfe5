import { type ComputeBackend, ComputeError, type ComputeErrorCode, type TypedArray } from "@kiln-gpu/core";
import { expect, vi } from "vitest";

/** Expects that a promise rejects, or a function throws, with this `code` and with each of `words` in the message. */
export async function expectError(
  attempt: Promise<unknown> | (() => unknown),
  code: ComputeErrorCode,
  ...words: (string | RegExp)[]
): Promise<ComputeError> {
  let error: unknown;
  try {
    const value = await (typeof attempt === "function" ? attempt() : attempt);
    error = new Error(`Nothing is thrown; the value is ${JSON.stringify(value)?.slice(0, 200)}.`);
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof ComputeError)) throw error;
  expect(error.code, error.message).toBe(code);
  for (const word of words) expect(error.message).toMatch(word);
  return error;
}

/** Expects that a disposed backend holds nothing and that each of its runs has ended. */
export function expectNothingLive(backend: ComputeBackend): void {
  const { runs, devices, pipelines, bindGroups, buffers } = backend.stats();
  expect({
    pending: runs.pending,
    devices: devices.live,
    pipelines: pipelines.live,
    bindGroups: bindGroups.live,
    buffers: buffers.live,
    bytes: buffers.bytes,
  }).toEqual({ pending: 0, devices: 0, pipelines: 0, bindGroups: 0, buffers: 0, bytes: 0 });
  expect(runs.started).toBe(runs.completed + runs.failed);
}

/** Resolves once `check` no longer throws. The timeout only catches hangs. */
export function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, { interval: 1, timeout: 120_000 });
}

/** Expects the same type, length and elements. */
export function expectSame(actual: TypedArray, expected: TypedArray): void {
  expectEach(actual, expected, (got, wanted) => got === wanted || (Number.isNaN(got) && Number.isNaN(wanted)));
}

/** Expects each element within `tolerance(i)` of the expected one. */
export function expectClose(actual: TypedArray, expected: TypedArray, tolerance: (i: number) => number): void {
  expectEach(actual, expected, (got, wanted, i) => Math.abs(got - wanted) <= tolerance(i));
}

function expectEach(
  actual: TypedArray,
  expected: TypedArray,
  isRight: (got: number, wanted: number, i: number) => boolean,
): void {
  expect(actual?.constructor.name).toBe(expected.constructor.name);
  expect(actual.length).toBe(expected.length);
  // Vitest takes seconds to compare arrays of a million elements, so we loop ourselves.
  for (let i = 0; i < expected.length; i += 1) {
    if (!isRight(actual[i]!, expected[i]!, i)) {
      expect.fail(`Element ${i} of ${expected.length} is ${actual[i]}; expected is ${expected[i]}.`);
    }
  }
}
