import { ComputeError } from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";

/** @throws {ComputeError} `invalid-binding` if `value` is not a typed array; the run checks its element type. */
export function checkArray(subject: string, name: string, value: unknown): void {
  if (ArrayBuffer.isView(value) && "length" in value) return;
  throw new ComputeError(
    "invalid-binding",
    `${subject}: "${name}" must be a typed array; got ${describeValue(value)}.`,
  );
}

/** @throws {ComputeError} `invalid-binding` if `value` is not an object. */
export function checkObject(subject: string, name: string, members: string, value: unknown): void {
  if (typeof value === "object" && value !== null) return;
  throw new ComputeError(
    "invalid-binding",
    `${subject}: "${name}" must be an object with ${members}; got ${describeValue(value)}.`,
  );
}

/**
 * Whether `from` is SPIR-V.
 * @throws {ComputeError} `invalid-option` if `from` is neither `"wgsl"` nor `"spirv"`.
 */
export function isFromSpirv(subject: string, from: unknown): boolean {
  if (from === "spirv") return true;
  if (from === "wgsl") return false;
  throw new ComputeError("invalid-option", `${subject}: "from" must be "wgsl" or "spirv"; got ${describeValue(from)}.`);
}
