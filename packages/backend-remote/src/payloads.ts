import { ComputeError } from "@kiln-gpu/core";
import type { Redis } from "ioredis";
import type { PayloadStore } from "./payload-store.js";
import type { Place } from "./reply.js";

/** Up to here, bytes travel in the message itself. */
const inlineBytes = 32 * 1024;
/** The longest value that Redis takes. */
const longestValueBytes = 512 * 1024 * 1024;

/** Puts the bytes of jobs where they belong by their length, and finds them again. */
export class Payloads {
  readonly #redis: Redis;
  readonly #store: PayloadStore | undefined;
  readonly #storeBytes: number;

  /** @param storeBytes From this length on, bytes go to `store`. */
  constructor(redis: Redis, store: PayloadStore | undefined, storeBytes: number) {
    this.#redis = redis;
    this.#store = store;
    this.#storeBytes = storeBytes;
  }

  /** @throws {ComputeError} `limit-exceeded` if no store is there for that many bytes. */
  placeOf(subject: string, byteLength: number): Place {
    if (byteLength <= inlineBytes) return "inline";
    if (this.#store && byteLength >= this.#storeBytes) return "store";
    if (byteLength <= longestValueBytes) return "redis";
    throw new ComputeError(
      "limit-exceeded",
      `${subject} has ${byteLength} bytes; a value in Redis has at most ${longestValueBytes}. ` +
        "Name a store for larger ones, on the clients and on the workers.",
    );
  }

  async put(place: Place, key: string, bytes: Uint8Array, keepMs: number): Promise<void> {
    if (place === "store") await this.#storeOf(key).put(key, bytes);
    else await this.#redis.set(key, asBuffer(bytes), "PX", keepMs);
  }

  async get(place: Place, key: string): Promise<Uint8Array | undefined> {
    if (place === "store") return this.#storeOf(key).get(key);
    const bytes = await this.#redis.getBuffer(key);
    // A copy of its own begins at 0, so that typed arrays can view it.
    return bytes === null ? undefined : new Uint8Array(bytes);
  }

  async delete(place: Place, key: string): Promise<void> {
    if (place === "store") await this.#storeOf(key).delete(key);
    else await this.#redis.unlink(key);
  }

  #storeOf(key: string): PayloadStore {
    if (this.#store) return this.#store;
    throw new ComputeError(
      "invalid-option",
      `"${key}" is in a store, and none is named here: name the same store on the clients and on the workers.`,
    );
  }
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
