import type { SentParts } from "./messages.js";
import { minSharedBytes, type Place, readShared, SharedWriter } from "./shared-memory.js";

/** Descriptors of the two files in memory, in a child process: what the parent writes, and what the child writes. */
export const childFiles = { fromParent: 4, fromChild: 5 } as const;

/** Writes parts for the other process, and reads its parts. */
export class PartCodec {
  readonly #writer: SharedWriter | undefined;
  readonly #readFile: number | undefined;

  /** Without files all parts go through the channel. */
  constructor(files?: { readonly write: number; readonly read: number }) {
    this.#writer = files && new SharedWriter(files.write);
    this.#readFile = files?.read;
  }

  encode(parts: readonly Uint8Array[]): SentParts {
    return parts.map((part) => (part.byteLength < minSharedBytes ? part : (this.#writer?.write(part) ?? part)));
  }

  /** @throws {Error} If a place is not in the file. */
  decode(parts: SentParts): Uint8Array[] {
    return parts.map((part) => {
      if (part instanceof Uint8Array) return part;
      if (this.#readFile === undefined) throw new Error("Unreachable: there is no shared memory.");
      return readShared(this.#readFile, part);
    });
  }

  /** Frees the places of `parts` that this process wrote, once the other has read them. */
  free(parts: SentParts): void {
    for (const place of placesOf(parts)) this.#writer?.free(place);
  }

  close(): void {
    this.#writer?.close();
  }
}

export function placesOf(parts: SentParts): Place[] {
  return parts.filter((part): part is Place => !(part instanceof Uint8Array));
}
