/** Which typed arrays a shader type takes. */
import type { TypedArrayConstructor } from "../bindings/bindings.js";
import { adviseArray, describeValue, withArticle } from "../bindings/describe-value.js";
import { ComputeError } from "../errors/compute-error.js";
import type { ScalarType } from "./shader-interface.js";

export const arraysOf: { readonly [scalar in ScalarType]: readonly string[] } = {
  f32: ["Float32Array"],
  i32: ["Int32Array"],
  u32: ["Uint32Array"],
  f16: ["Float16Array", "Uint16Array"],
  bool: ["Uint32Array"],
};

/** No shader type has elements of one byte. These arrays hold the bytes of any type, if the caller says so. */
export const byteArrays: readonly string[] = ["Uint8Array", "Uint8ClampedArray"];

/** Every array that some shader type takes. */
const bindableArrays = [...new Set([...Object.values(arraysOf).flat(), ...byteArrays])];

/** @throws {ComputeError} `invalid-option` if `type` is not the constructor of an array that a shader can bind. */
export function checkArrayType(subject: string, type: unknown): asserts type is TypedArrayConstructor {
  const { BYTES_PER_ELEMENT: bytes, name } = (typeof type === "function" ? type : {}) as Partial<TypedArrayConstructor>;
  if (!(bytes! > 0)) {
    throw new ComputeError(
      "invalid-option",
      `${subject} is made from a typed array, or from a typed array's constructor and a length; ` +
        `got ${describeValue(type)}.${adviseArray(type)}`,
    );
  }
  if (bindableArrays.includes(name!)) return;
  throw new ComputeError(
    "invalid-option",
    `${subject} cannot be made from ${withArticle(name!)}: no shader type takes it. ` +
      `These can be bound: ${bindableArrays.join(", ")}.`,
  );
}
