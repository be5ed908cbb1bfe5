import { encodeCanonically } from "./canonical-encoding.js";

/**
 * The SHA-256 of everything in `request`, as 64 hexadecimal digits. Requests that are equal field by field have the
 * same address.
 * @param request Plain objects and arrays of strings, numbers, booleans, `undefined`, `null`, `Uint8Array` and
 *   `Uint32Array`; read before the first await. The order of an object's keys does not count; the order of an array
 *   does.
 * @throws {TypeError} for any other value, so that no field is ever left out.
 */
export async function contentAddress(request: object): Promise<string> {
  // A page that has WebGPU has `crypto.subtle` too: both need a secure context.
  const digest = await globalThis.crypto.subtle.digest("SHA-256", encodeCanonically(request));
  let digits = "";
  for (const byte of new Uint8Array(digest)) digits += byte.toString(16).padStart(2, "0");
  return digits;
}
