import { encodeCanonically } from "./canonical-encoding.js";
import { sha256 } from "./sha256.js";

/**
 * The SHA-256 of everything in `request`, as 64 hexadecimal digits: equal for requests that are equal field by field, different for all others.
 * @param request Plain objects and arrays of strings, numbers, booleans, `undefined`, `null`, `Uint8Array` and `Uint32Array`; read before
 *   the first await. The order of an object's keys does not count, the order in an array does.
 * @throws {TypeError} for any other value, so that no field is ever left out.
 */
export async function contentAddress(request: object): Promise<string> {
  return sha256(encodeCanonically(request));
}
