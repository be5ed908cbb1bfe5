/** Which typed arrays there are, and which of them a shader type takes. */
import type { TypedArray, TypedArrayConstructor } from "./bindings.js";
import { describe, withArticle } from "./describe.js";
import { ComputeError } from "./errors.js";
import type { ScalarType } from "./shader-interface.js";

export const arraysOf: { readonly [scalar in ScalarType]: readonly string[] } = {
  f32: ["Float32Array"],
  i32: ["Int32Array"],
  u32: ["Uint32Array"],
  f16: ["Float16Array", "Uint16Array"],
  bool: ["Uint32Array"],
};

/** No shader type has elements of one byte: these stand for the bytes of any type, where the caller says so. */
export const byteArrays: readonly string[] = ["Uint8Array", "Uint8ClampedArray"];

/** Every array that some shader type takes. */
const bindableArrays = [...new Set([...Object.values(arraysOf).flat(), ...byteArrays])];

/** @throws {ComputeError} `invalid-option` for a constructor whose arrays no shader could bind. */
export function checkArrayType(subject: string, type: unknown): asserts type is TypedArrayConstructor {
  const { BYTES_PER_ELEMENT: bytes, name } = (typeof type === "function" ? type : {}) as Partial<TypedArrayConstructor>;
  if (!(bytes! > 0)) {
    throw new ComputeError(
      "invalid-option",
      `${subject} is made of a typed array, or of a typed array's constructor and a length; got ${describe(type)}.`,
    );
  }
  if (bindableArrays.includes(name!)) return;
  throw new ComputeError(
    "invalid-option",
    `${subject} cannot be made of ${withArticle(name!)}: no shader type takes it. These can be bound: ${bindableArrays.join(", ")}.`,
  );
}

/** The constructor of `data`'s own kind: of a Node `Buffer`, which is a `Uint8Array`, that one. */
export function arrayTypeOf(data: TypedArray): TypedArrayConstructor {
  const tag = (data as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag];
  if (tag === undefined || data.constructor.name === tag) return data.constructor as TypedArrayConstructor;
  return (globalThis as unknown as { readonly [name: string]: TypedArrayConstructor })[tag]!;
}

/** Whether both are the same kind of array; another realm, such as a `vm` context or an iframe, has constructors of its own. */
export function isSameType(a: TypedArrayConstructor, b: TypedArrayConstructor): boolean {
  return a === b || a.name === b.name;
}

/**
 * An array of no elements may have had some: a view of memory that was transferred, or of staged memory that a run has consumed, tells no one.
 * @throws {ComputeError} `invalid-binding`.
 */
export function checkAttached(subject: string, name: string, data: ArrayBufferView): void {
  if (!isDetached(data)) return;
  throw new ComputeError(
    "invalid-binding",
    `${subject} is given "${name}", ${withArticle(data.constructor.name)} whose memory is gone: it was transferred, or it is a view of staged memory that ` +
      "was bound or released. Bind what `stage` returned, and write to its `data` before that.",
  );
}

/** `ArrayBuffer.prototype.detached` is missing in Node 20; only of a detached buffer no view can be made. */
function isDetached({ byteLength, buffer }: ArrayBufferView): boolean {
  if (byteLength > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}
