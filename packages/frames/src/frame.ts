/**
 * A frame: a header in JSON, and the bytes of arrays as they are. A frame is read as hostile bytes: each length
 * is checked before it is used, and whatever is wrong becomes a `ComputeError`.
 */
import { ComputeError } from "@kiln-gpu/core";

/** The version of the format. A reader refuses every other version. */
const version = 1;
/** "KILN", then the version, then two bytes that are 0. */
const magic = [0x4b, 0x49, 0x4c, 0x4e] as const;
const prefixLength = 8;
/** Joined parts begin at multiples of this, so that arrays of any type can be views of them. */
const alignment = 8;
/** A frame has a header and one part for each array; a run binds some tens of arrays at most. */
const maxParts = 4096;

/** A header, and the bytes of the arrays that it names by their index. */
export interface Frame {
  readonly header: unknown;
  readonly arrays: readonly Uint8Array[];
}

/** The parts of a frame: its header, then the arrays. Nothing is copied. */
export function encodeFrame({ header, arrays }: Frame): Uint8Array[] {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const first = new Uint8Array(prefixLength + text.length);
  first.set(magic);
  first[4] = version & 0xff;
  first[5] = version >> 8;
  first.set(text, prefixLength);
  return [first, ...arrays];
}

/** @throws {ComputeError} `invalid-frame` if the parts are not a frame of this version. */
export function decodeFrame(parts: readonly Uint8Array[]): Frame {
  const [first, ...arrays] = parts;
  if (!first || first.length < prefixLength || magic.some((byte, i) => first[i] !== byte)) {
    throw invalidFrame("does not begin with the letters KILN");
  }
  const given = first[4]! | (first[5]! << 8);
  if (given !== version) {
    throw invalidFrame(
      `is of version ${given}, and this side reads version ${version}; use the same version of Kiln on both sides`,
    );
  }
  return { header: parse(first.subarray(prefixLength)), arrays };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalidFrame("has a header that is not JSON", cause);
  }
}

/** Joins parts into one array, for a place that takes one value: the number of parts, their lengths, and the parts. */
export function joinParts(parts: readonly Uint8Array[]): Uint8Array {
  const head = aligned(4 + 4 * parts.length);
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + aligned(part.length), head));
  const lengths = new DataView(joined.buffer);
  lengths.setUint32(0, parts.length, true);
  let offset = head;
  for (const [i, part] of parts.entries()) {
    lengths.setUint32(4 + 4 * i, part.length, true);
    joined.set(part, offset);
    offset += aligned(part.length);
  }
  return joined;
}

/**
 * The parts of what `joinParts` made, as views.
 * @throws {ComputeError} `invalid-frame`.
 */
export function splitParts(joined: Uint8Array): Uint8Array[] {
  if (joined.length < 4) throw invalidFrame(`has ${joined.length} bytes, fewer than any frame`);
  const lengths = new DataView(joined.buffer, joined.byteOffset, joined.byteLength);
  const count = lengths.getUint32(0, true);
  let offset = aligned(4 + 4 * count);
  if (count > maxParts || offset > joined.length) {
    throw invalidFrame(`of ${joined.length} bytes says that it has ${count} parts`);
  }
  const parts: Uint8Array[] = [];
  for (let i = 0; i < count; i += 1) {
    const length = lengths.getUint32(4 + 4 * i, true);
    if (length > joined.length - offset) {
      throw invalidFrame(`has ${joined.length - offset} bytes left for a part of ${length} bytes`);
    }
    parts.push(joined.subarray(offset, offset + length));
    offset += aligned(length);
  }
  return parts;
}

function aligned(byteLength: number): number {
  return Math.ceil(byteLength / alignment) * alignment;
}

/** @param what Follows "A frame", without a full stop. */
export function invalidFrame(what: string, cause?: unknown): ComputeError {
  return new ComputeError("invalid-frame", `A frame ${what}.`, cause === undefined ? {} : { cause });
}
