/**
 * Large arrays between two processes: one process writes them into a file in memory and the other reads them there. A
 * file has one writer, which also decides when a place in it is free.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Smaller parts go through the channel, where they are as fast. */
export const minSharedBytes = 2 ** 20;
/** The memory of an unused file is given back above this size. */
const maxIdleBytes = 2 ** 26;
const pageBytes = 4096;

/** Where a part lies in the file. */
export interface Place {
  readonly offset: number;
  readonly byteLength: number;
}

/**
 * Opens a file in memory that has no name, so that it ends with the last process that has it open; `undefined` where the
 * system has no folder in memory.
 */
export function createMemoryFile(): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const folder = mkdtempSync("/dev/shm/kiln-");
    const path = join(folder, "memory");
    try {
      const file = openSync(path, "wx+", 0o600);
      unlinkSync(path);
      return file;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  } catch {
    return undefined;
  }
}

/** The writer's side of a file. */
export class SharedWriter {
  readonly #file: number;
  /** By offset. */
  readonly #used: Place[] = [];
  #size = 0;

  constructor(file: number) {
    this.#file = file;
  }

  /** Returns `undefined` if the system has no memory left for it; a container may have little. */
  write(data: Uint8Array): Place | undefined {
    const place = this.#findPlace(data.byteLength);
    try {
      writeAll(this.#file, data, place.offset);
    } catch {
      this.free(place);
      return undefined;
    }
    this.#size = Math.max(this.#size, place.offset + place.byteLength);
    return place;
  }

  #findPlace(byteLength: number): Place {
    let offset = 0;
    let index = 0;
    for (const used of this.#used) {
      if (used.offset - offset >= byteLength) break;
      offset = Math.ceil((used.offset + used.byteLength) / pageBytes) * pageBytes;
      index += 1;
    }
    const place = { offset, byteLength };
    this.#used.splice(index, 0, place);
    return place;
  }

  free(place: Place): void {
    const index = this.#used.findIndex(({ offset }) => offset === place.offset);
    if (index >= 0) this.#used.splice(index, 1);
    if (this.#used.length > 0 || this.#size <= maxIdleBytes) return;
    ftruncateSync(this.#file, 0);
    this.#size = 0;
  }

  close(): void {
    closeSync(this.#file);
  }
}

function writeAll(file: number, data: Uint8Array, offset: number): void {
  for (let done = 0; done < data.byteLength; ) {
    done += writeSync(file, data, done, data.byteLength - done, offset + done);
  }
}

/**
 * Copies a part out of the file, into memory of its own.
 * @throws {Error} If the file has no such place.
 */
export function readShared(file: number, { offset, byteLength }: Place): Uint8Array {
  const data = new Uint8Array(new ArrayBuffer(byteLength));
  for (let done = 0; done < byteLength; ) {
    const read = readSync(file, data, done, byteLength - done, offset + done);
    if (read === 0) throw new Error(`The shared memory ends ${byteLength - done} bytes before the end of a part.`);
    done += read;
  }
  return data;
}
