/** What kind of typed array an array is, in whichever realm it was made. */
import { named, Refusal } from "../errors/refusal.js";
import type { TypedArray, TypedArrayConstructor } from "./bindings.js";
import { withArticle } from "./describe-value.js";

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
  named(subject, () => refuseDetached(name, data));
}

export function refuseDetached(name: string, data: ArrayBufferView): void {
  if (!isDetached(data)) return;
  throw new Refusal(
    "invalid-binding",
    `is given "${name}", ${withArticle(data.constructor.name)} whose memory is gone: it was transferred, or it is a view of staged memory that ` +
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
