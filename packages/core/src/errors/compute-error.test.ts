import { expect, test } from "vitest";
import { ComputeError, isComputeError } from "./compute-error.js";

test("carries its code, its sentence and its cause", () => {
  const cause = new Error("below");
  const error = new ComputeError("device-lost", "The device is lost.", { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: "ComputeError", code: "device-lost", message: "The device is lost.", cause });
  expect(String(error)).toBe("ComputeError: The device is lost.");
  expect("cause" in new ComputeError("timeout", "Too late.")).toBe(false);
});

test("tells a ComputeError from any other, and one code from another", () => {
  const error: unknown = new ComputeError("aborted", "The run is aborted.");
  expect(isComputeError(error)).toBe(true);
  expect(isComputeError(error, "aborted")).toBe(true);
  expect(isComputeError(error, "timeout")).toBe(false);
  for (const other of [new Error("no"), new TypeError("no"), "aborted", null, undefined, { name: "ComputeError" }]) {
    expect(isComputeError(other)).toBe(false);
  }
});

test("knows the errors of a second copy of the package", () => {
  class ComputeErrorOfAnotherCopy extends Error {
    override readonly name = "ComputeError";
    readonly code = "disposed";
  }
  const error = new ComputeErrorOfAnotherCopy();
  expect(error).not.toBeInstanceOf(ComputeError);
  expect(isComputeError(error, "disposed")).toBe(true);
  expect(isComputeError(error, "aborted")).toBe(false);
});
