/**
 * The bytes of one entry of a store, whatever keeps them. Three lines of text and the payload:
 *
 *     SHA-256 of all that follows, in hexadecimal digits
 *     ["kiln-store 1","tuning",["sum","nvidia"]]
 *     json
 *     {"workgroupSize":256}
 *
 * Invariant: bytes decode only under the identity that they were encoded under, and only if none of them has changed.
 */
import { sha256 } from "./sha256.js";

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Bytes come back as bytes; all else as JSON gives it back, so `NaN` and the infinities as `null`. */
export type StoredValue = JsonValue | Uint8Array;

const kinds = ["json", "bytes"] as const;
/** The digits and the line's end. */
const checksumLength = 65;

/**
 * What tells an entry from all others. Unlike the canonical encoding it can be read in the file by a person; it is as exact, since JSON
 * escapes what strings could be mistaken for. With the format's version in it, versions of Kiln share a folder and see only their own.
 */
export function entryIdentity(namespace: string, key: string | readonly string[]): string {
  return JSON.stringify(["kiln-store 1", namespace, key]);
}

/** Where the entry stands: 64 hexadecimal digits, whatever the key says. */
export function entryAddress(identity: string): Promise<string> {
  return sha256(new TextEncoder().encode(identity));
}

/** The whole entry but for its checksum; reads `value` at once, so a later change to it changes nothing. */
export function encodeEntry(identity: string, value: StoredValue): Uint8Array<ArrayBuffer> {
  const kind = value instanceof Uint8Array ? "bytes" : "json";
  const header = headerOf(identity, kind);
  const payload = value instanceof Uint8Array ? value : new TextEncoder().encode(JSON.stringify(value));
  const bytes = new Uint8Array(checksumLength + header.length + payload.length);
  bytes.set(header, checksumLength);
  bytes.set(payload, checksumLength + header.length);
  return bytes;
}

/** Writes the checksum into what `encodeEntry` gave. */
export async function sealEntry(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  new TextEncoder().encodeInto(`${await sha256(bytes.subarray(checksumLength))}\n`, bytes);
}

/** The value in `bytes`, or `undefined` if they are damaged, cut short or another entry. */
export async function decodeEntry(identity: string, bytes: Uint8Array<ArrayBuffer>): Promise<StoredValue | undefined> {
  const body = bytes.subarray(checksumLength);
  const checksum = new TextDecoder().decode(bytes.subarray(0, checksumLength));
  if (checksum !== `${await sha256(body)}\n`) return undefined;
  for (const kind of kinds) {
    const header = headerOf(identity, kind);
    if (!header.every((byte, i) => byte === body[i])) continue;
    // A copy: a view would keep the header too, and could not be read as words, which must begin at a multiple of four.
    const payload = body.slice(header.length);
    return kind === "bytes" ? payload : parse(new TextDecoder().decode(payload));
  }
  return undefined;
}

function headerOf(identity: string, kind: (typeof kinds)[number]): Uint8Array {
  return new TextEncoder().encode(`${identity}\n${kind}\n`);
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
