import type { ComputeBackend } from "@kiln-gpu/core";
import type { PayloadStore } from "./payload-store.js";
import type { RedisSettings } from "./redis-settings.js";

/** Where a worker answers over HTTP. */
export interface HttpOptions {
  readonly port: number;
  /** @default "127.0.0.1" */
  readonly host?: string;
}

export interface ServeQueueOptions {
  /** Runs the jobs. It stays the caller's, who disposes it after the server is closed. */
  readonly backend: ComputeBackend;
  /** More options of `ioredis`, for instance `tls`, `username` and `password`. */
  readonly redis?: RedisSettings;
  /** Where inputs and results from `storeBytes` on are kept, instead of in Redis; the clients must name the same store. */
  readonly store?: PayloadStore;
  /** @default 8 MiB */
  readonly storeBytes?: number;
  /** How many jobs the worker has at a time; those picked together share submissions. @default 64 */
  readonly concurrency?: number;
  /** How many bytes of inputs it has at a time; further jobs wait. @default 256 MiB */
  readonly maxBytesInFlight?: number;
  /** Refuses jobs whose inputs and results have more bytes. @default 1 GiB */
  readonly maxJobBytes?: number;
  /** Ends the run of a job with `timeout` after so long. @default Infinity */
  readonly maxRunMs?: number;
  /** The SHA-256 hashes, in hexadecimal digits, of the only programs that may run. All may by default. */
  readonly allowedPrograms?: Iterable<string>;
  /** How often a job may end its worker while it runs alone, before it fails as poison. @default 2 */
  readonly maxKills?: number;
  /** The jobs of a worker that is silent for so long go to others. @default 15,000 */
  readonly lockMs?: number;
  /** How long results are kept. @default 1 hour */
  readonly keepMs?: number;
  /** Answers `/health` and `/metrics` there; by default nowhere. */
  readonly http?: HttpOptions;
}

/** A worker that serves a queue. */
export interface QueueServer extends AsyncDisposable {
  /** The port of `/health` and `/metrics`; `undefined` without `http`. */
  readonly httpPort: number | undefined;
  /** How many jobs have ended, and how many it has now. */
  stats(): { readonly ended: number; readonly active: number };
  /** Takes no more jobs, finishes those that it has, and disconnects. */
  close(): Promise<void>;
}
