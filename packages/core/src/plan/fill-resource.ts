import type { BindingValue, Bytes, Inout, Output, ResidentArray, Staged, UniformValue } from "../bindings/bindings.js";
import { bytesOf, roundUpTo4 } from "../bindings/bytes-of.js";
import { checkInto } from "./check-binding.js";
import { packUniform } from "./pack-uniform.js";
import type { PlannedResource } from "./run-plan.js";

/**
 * `resource`, planned for a value like `value`, with the data, the memory or the result array that `value` brings.
 * @throws {ComputeError} `invalid-binding` if `into` does not fit, or a value cannot be packed.
 */
export function fillResource(name: string, resource: PlannedResource, value: BindingValue): PlannedResource {
  const { byteLength, access, start, packedAs, isImmediate } = resource;
  let { data, staged, resident, result } = resource;
  if (result) {
    const { into } = value as Output | Inout;
    if (into !== result.into) {
      checkInto(name, result.type, result.length, into);
      result = { ...result, into };
    }
  }
  if (staged) staged = value as Staged;
  if (resident) resident = value as ResidentArray;
  if (data) {
    if (packedAs) data = packUniform(value as UniformValue, packedAs, name);
    else data = ArrayBuffer.isView(value) ? value : (value as Inout | Bytes).data;
    if (isImmediate) data = ownBytes(data);
  } else if (packedAs) {
    // A value that no pass binds is checked as if one did.
    packUniform(value as UniformValue, packedAs, name);
  }
  // Field by field, because every warm run comes here: spreading objects of many shapes takes the engine five times as
  // long.
  return { name: resource.name, byteLength, access, data, staged, resident, start, packedAs, result, isImmediate };
}

/** A copy of a few bytes, in whole words, which no caller can change or take away. */
export function ownBytes(data: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(roundUpTo4(data.byteLength));
  bytes.set(bytesOf(data));
  return bytes;
}
