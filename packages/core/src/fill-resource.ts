import type { BindingValue, Inout, Output, ResidentArray, Staged, UniformValue } from "./bindings.js";
import { checkInto } from "./check-binding.js";
import { packUniform } from "./pack-uniform.js";
import type { PlannedResource } from "./run-plan.js";

/**
 * `resource`, planned for a value like `value`, with what `value` brings itself: data, memory, or an array for the result.
 * @throws {ComputeError} `invalid-binding` where `into` does not fit, or a value cannot be packed.
 */
export function fillResource(
  subject: string,
  name: string,
  resource: PlannedResource,
  value: BindingValue,
): PlannedResource {
  let filled = resource;
  if (resource.result) {
    const { into } = value as Output | Inout;
    if (into !== resource.result.into) {
      checkInto(subject, name, resource.result.type, resource.result.length, into);
      filled = { ...filled, result: { ...resource.result, into } };
    }
  }
  if (resource.staged) filled = { ...filled, staged: value as Staged };
  if (resource.resident) filled = { ...filled, resident: value as ResidentArray };
  if (!resource.data) {
    // What no pass binds is checked as if one did.
    if (resource.packedAs) packUniform(value as UniformValue, resource.packedAs, name);
    return filled;
  }
  const data = resource.packedAs
    ? packUniform(value as UniformValue, resource.packedAs, name)
    : ArrayBuffer.isView(value)
      ? value
      : (value as Inout).data;
  return { ...filled, data: resource.isImmediate ? ownBytes(data) : data };
}

/** A copy of few bytes, in whole words, which nobody can change or take away. */
export function ownBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(byteLength / 4) * 4);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
  return bytes;
}
