import { ComputeError, describeValue } from "@kiln-gpu/core";

/** @throws {ComputeError} `invalid-binding` where `value` is no typed array; of which type it is, the run checks. */
export function checkArray(subject: string, name: string, value: unknown): void {
  if (ArrayBuffer.isView(value) && "length" in value) return;
  throw new ComputeError(
    "invalid-binding",
    `${subject} takes "${name}" as a typed array; ${describeValue(value)} is given.`,
  );
}

/** @throws {ComputeError} `invalid-binding` where `value` has no members. */
export function checkObject(subject: string, members: string, value: unknown): void {
  if (typeof value === "object" && value !== null) return;
  throw new ComputeError(
    "invalid-binding",
    `${subject} takes an object of ${members}; ${describeValue(value)} is given.`,
  );
}

/**
 * Whether `from` is SPIR-V.
 * @throws {ComputeError} `invalid-option` where it is no language that the kernels are in.
 */
export function isFromSpirv(subject: string, from: unknown): boolean {
  if (from === "spirv") return true;
  if (from === "wgsl") return false;
  throw new ComputeError(
    "invalid-option",
    `${subject} is given from: ${describeValue(from)}; expected is "wgsl" or "spirv".`,
  );
}
