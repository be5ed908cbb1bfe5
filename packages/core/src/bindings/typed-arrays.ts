/** The kind of a typed array, in whichever realm it was made. */
import { named, Refusal } from "../errors/refusal.js";
import type { TypedArray, TypedArrayConstructor } from "./bindings.js";
import { withArticle } from "./describe-value.js";

/** The constructor of `data`'s kind: `Uint8Array` for a Node `Buffer`, which extends it. */
export function arrayTypeOf(data: TypedArray): TypedArrayConstructor {
  const tag = (data as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag];
  if (tag === undefined || data.constructor.name === tag) return data.constructor as TypedArrayConstructor;
  return (
    (globalThis as unknown as { readonly [name: string]: TypedArrayConstructor | undefined })[tag] ??
    (data.constructor as TypedArrayConstructor)
  );
}

/**
 * Whether both are the same kind of array; another realm, such as a `vm` context or an iframe, has constructors of its
 * own.
 */
export function isSameType(a: TypedArrayConstructor, b: TypedArrayConstructor): boolean {
  return a === b || a.name === b.name;
}

/**
 * Checks that the memory of `data` is still there. A view whose memory was transferred, or was staged memory that a run
 * has taken, looks like an empty array.
 * @throws {ComputeError} `invalid-binding`.
 */
export function checkAttached(subject: string, name: string, data: ArrayBufferView): void {
  named(subject, () => refuseDetached(name, data));
}

export function refuseDetached(name: string, data: ArrayBufferView): void {
  if (!isDetached(data)) return;
  throw new Refusal(
    "invalid-binding",
    `is given "${name}", ${withArticle(data.constructor.name)} whose memory is gone: it was transferred, or it is a ` +
      "view of staged memory that was bound or released. Bind what `stage` returned, and write to its `data` " +
      "before that.",
  );
}

/**
 * `ArrayBuffer.prototype.detached` is missing in Node 20, but making a view of a buffer throws only if it is detached.
 */
function isDetached({ byteLength, buffer }: ArrayBufferView): boolean {
  if (byteLength > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}
