import { bytesOf } from "@kiln-gpu/core/backend";

/**
 * Encodes `value` so that different values never give the same bytes: a tag for the type, the length if it has one, and
 * the content.
 * @throws {TypeError} for a value of a type without a tag; the message says where it is.
 */
export function encodeCanonically(value: unknown): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  encode(value, "request", parts);
  let byteLength = 0;
  for (const part of parts) byteLength += part.byteLength;
  const bytes = new Uint8Array(byteLength);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

function encode(value: unknown, path: string, parts: Uint8Array[]): void {
  switch (typeof value) {
    case "undefined":
      parts.push(tagged("u"));
      return;
    case "boolean":
      parts.push(tagged(value ? "t" : "f"));
      return;
    case "number":
      parts.push(tagged("n", value));
      return;
    case "string":
      parts.push(tagged("s", value.length), utf16(value));
      return;
    case "object":
      encodeObject(value, path, parts);
      return;
    default:
      throw refusal(path, `a ${typeof value}`);
  }
}

function encodeObject(value: object | null, path: string, parts: Uint8Array[]): void {
  if (value === null) {
    parts.push(tagged("0"));
  } else if (value instanceof Uint8Array || value instanceof Uint32Array) {
    const bytes = bytesOf(value);
    parts.push(tagged(value instanceof Uint8Array ? "b" : "w", bytes.byteLength), bytes);
  } else if (Array.isArray(value)) {
    // Refuses holes, which would read as `undefined`, and extra fields, which would be left out.
    if (Reflect.ownKeys(value).length !== value.length + 1) throw refusal(path, "an array with holes or fields");
    parts.push(tagged("a", value.length));
    for (const [i, element] of value.entries()) encode(element, `${path}[${i}]`, parts);
  } else {
    encodeFields(value, path, parts);
  }
}

function encodeFields(value: object, path: string, parts: Uint8Array[]): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw refusal(path, `an object of class ${value.constructor?.name}`);
  }
  const names: string[] = [];
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === "symbol") throw refusal(`${path}[${String(key)}]`, "a field named by a symbol");
    names.push(key);
  }
  parts.push(tagged("o", names.length));
  for (const name of names.sort()) {
    encode(name, path, parts);
    encode((value as { readonly [name: string]: unknown })[name], `${path}.${name}`, parts);
  }
}

/** The tag, then the 64 bits of the number if there is one. The bits tell -0 from 0. */
function tagged(tag: string, number?: number): Uint8Array {
  const bytes = new Uint8Array(number === undefined ? 1 : 9);
  bytes[0] = tag.charCodeAt(0);
  if (number === undefined) return bytes;
  const view = new DataView(bytes.buffer);
  // An engine may write any NaN bit pattern; here all write this one.
  if (Number.isNaN(number)) view.setBigUint64(1, 0x7ff8_0000_0000_0000n);
  else view.setFloat64(1, number);
  return bytes;
}

/** Code units, because UTF-8 writes every lone surrogate as the same replacement character. */
function utf16(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    bytes[i * 2] = unit >> 8;
    bytes[i * 2 + 1] = unit;
  }
  return bytes;
}

function refusal(path: string, given: string): TypeError {
  const covered = "plain objects, arrays, strings, numbers, booleans, undefined, null, Uint8Array and Uint32Array";
  return new TypeError(`A content address covers ${covered}; ${path} is ${given}.`);
}
