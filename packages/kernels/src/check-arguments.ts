import { ComputeError } from "@kiln-gpu/core";
import { adviseArray, checkOptionNames, describeValue, optionNames as namesOf } from "@kiln-gpu/core/backend";
import type { KernelRunOptions } from "./kernel-run-options.js";

/** @throws {ComputeError} `invalid-binding` if `value` is not a typed array; the run checks its element type. */
export function checkArray(subject: string, name: string, value: unknown): void {
  if (ArrayBuffer.isView(value) && "length" in value) return;
  throw new ComputeError(
    "invalid-binding",
    `${subject}: "${name}" must be a typed array; got ${describeValue(value)}.${adviseArray(value)}`,
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

const optionNames = /* @__PURE__ */ namesOf<KernelRunOptions>({ from: true, signal: true, timeoutMs: true });

/**
 * Whether `from` is SPIR-V.
 * @param others The other options.
 * @throws {ComputeError} `invalid-option` if `from` is neither `"wgsl"` nor `"spirv"`, or another option is unknown.
 */
export function isFromSpirv(subject: string, from: unknown, others: object): boolean {
  checkOptionNames(subject, others, optionNames);
  if (from === "spirv") return true;
  if (from === "wgsl") return false;
  throw new ComputeError("invalid-option", `${subject}: "from" must be "wgsl" or "spirv"; got ${describeValue(from)}.`);
}
