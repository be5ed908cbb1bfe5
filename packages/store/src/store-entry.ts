/**
 * The bytes of one entry, the same in a folder and in a database: three lines of text, then the payload.
 *
 *     SHA-256 of everything after this line, in hexadecimal digits
 *     ["kiln-store 1","tuning",["sum","nvidia"]]
 *     json
 *     {"workgroupSize":256}
 *
 * Invariant: bytes decode only under the identity that they were encoded under, and only if none of them has changed.
 */
import { sha256 } from "./sha256.js";
import type { JsonValue, StoredValue } from "./stored-value.js";

const kinds = ["json", "bytes"] as const;
/** 64 digits and a line feed. */
const checksumLength = 65;

/**
 * Identifies an entry. It is JSON, so a person can read it in the file, and different keys never give the same text. It
 * has the format's version, so versions of Kiln with different formats share a folder without seeing each other's
 * entries.
 */
export function entryIdentity(namespace: string, key: string | readonly string[]): string {
  return JSON.stringify(["kiln-store 1", namespace, key]);
}

/** The name of the entry in its folder or database: 64 hexadecimal digits, whatever the key is. */
export function entryAddress(identity: string): Promise<string> {
  return sha256(new TextEncoder().encode(identity));
}

/**
 * Encodes everything but the checksum, which `sealEntry` writes. It reads `value` now, so later changes have no effect.
 */
export function encodeEntry(identity: string, value: StoredValue): Uint8Array<ArrayBuffer> {
  const kind = value instanceof Uint8Array ? "bytes" : "json";
  const header = headerOf(identity, kind);
  const payload = value instanceof Uint8Array ? value : new TextEncoder().encode(JSON.stringify(value));
  const bytes = new Uint8Array(checksumLength + header.length + payload.length);
  bytes.set(header, checksumLength);
  bytes.set(payload, checksumLength + header.length);
  return bytes;
}

/** Writes the checksum into the bytes that `encodeEntry` returned. */
export async function sealEntry(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  new TextEncoder().encodeInto(`${await sha256(bytes.subarray(checksumLength))}\n`, bytes);
}

/** Resolves with the value in `bytes`, or `undefined` if they are damaged, cut short, or of another identity. */
export async function decodeEntry(identity: string, bytes: Uint8Array<ArrayBuffer>): Promise<StoredValue | undefined> {
  const body = bytes.subarray(checksumLength);
  const checksum = new TextDecoder().decode(bytes.subarray(0, checksumLength));
  if (checksum !== `${await sha256(body)}\n`) return undefined;
  for (const kind of kinds) {
    const header = headerOf(identity, kind);
    if (!header.every((byte, i) => byte === body[i])) continue;
    // A copy: a view would keep the header in memory, and its offset may be no multiple of four, as typed arrays of
    // words need.
    const payload = body.slice(header.length);
    return kind === "bytes" ? payload : parse(new TextDecoder().decode(payload));
  }
  return undefined;
}

/** The namespace that the entry in `bytes` was written under; `undefined` for bytes that are no entry. */
export function namespaceOf(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(10, checksumLength);
  const identity = end < 0 ? undefined : parse(new TextDecoder().decode(bytes.subarray(checksumLength, end)));
  const namespace = Array.isArray(identity) ? identity[1] : undefined;
  return typeof namespace === "string" ? namespace : undefined;
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
