import { ComputeError, type DeviceInfo, type Tracer } from "@kiln-gpu/core";
import { reachRedis, warnOfLosses } from "./check-redis.js";
import { amount, checkValues, count, payloadStore, type Rule, settings } from "./check-values.js";
import { defaultKeepMs, defaultStoreBytes } from "./defaults.js";
import type { PayloadStore } from "./payload-store.js";
import { type QueueAddress, readAddress } from "./queue-address.js";
import { QueueTransport } from "./queue-transport.js";
import type { RedisSettings } from "./redis-settings.js";
import { RemoteBackend } from "./remote-backend.js";
import type { RemoteComputeBackend } from "./remote-compute-backend.js";
import { findDevice } from "./worker-directory.js";

export interface RemoteBackendOptions {
  /** More options of `ioredis`, for instance `tls`, `username` and `password`. */
  readonly redis?: RedisSettings;
  /**
   * Where inputs and results from `storeBytes` on are kept, instead of in Redis; the workers must name the same store.
   */
  readonly store?: PayloadStore;
  /** @default 8 MiB */
  readonly storeBytes?: number;
  /** How long to wait for Redis, and for a first worker. @default 30,000 */
  readonly openTimeoutMs?: number;
  /** After so long without news of a job, the client asks for it, and sends it again if it is lost. @default 5000 */
  readonly silenceMs?: number;
  /** How long Redis keeps the results of jobs that have a key, or whose client does not fetch them. @default 1 hour */
  readonly keepMs?: number;
  /** How many bytes of inputs and results may be with the queue at a time; other runs wait. @default 256 MiB */
  readonly maxBytesInFlight?: number;
  /** How many runs may be with the queue at a time. @default 1024 */
  readonly maxJobsInFlight?: number;
  readonly tracer?: Tracer;
}

const rules: Readonly<Record<keyof RemoteBackendOptions, Rule | undefined>> = {
  redis: settings,
  store: payloadStore,
  storeBytes: count,
  openTimeoutMs: amount,
  silenceMs: amount,
  keepMs: amount,
  maxBytesInFlight: count,
  maxJobsInFlight: count,
  tracer: undefined,
};

const pollMs = 200;

/**
 * Opens a backend whose runs go to the workers of a queue.
 * @param url Names the Redis and the queue: `redis://host:6379/queue`, or `rediss:` for TLS.
 * @throws {ComputeError} `invalid-option`; `no-adapter` if no Redis answers, or no worker has ever served the queue.
 */
export async function openRemoteBackend(
  url: string,
  options: RemoteBackendOptions = {},
): Promise<RemoteComputeBackend> {
  const subject = "openRemoteBackend";
  checkValues(subject, options, rules);
  const address = readAddress(subject, url, options.redis);
  const { openTimeoutMs = 30_000, tracer } = options;
  const transport = new QueueTransport(address, {
    store: options.store,
    storeBytes: options.storeBytes ?? defaultStoreBytes,
    silenceMs: options.silenceMs ?? 5000,
    keepMs: options.keepMs ?? defaultKeepMs,
  });
  try {
    const deadlineMs = performance.now() + openTimeoutMs;
    await reachRedis(subject, address, transport.redis, openTimeoutMs);
    await warnOfLosses(address, transport.redis);
    const device = await waitForDevice(transport, address, deadlineMs, openTimeoutMs);
    const limits = { maxJobs: options.maxJobsInFlight ?? 1024, maxBytes: options.maxBytesInFlight ?? 2 ** 28 };
    return new RemoteBackend({ name: "remote", device, transport, limits, tracer }, transport, address.shown);
  } catch (error) {
    await transport.close();
    throw error;
  }
}

async function waitForDevice(
  { redis, keys }: QueueTransport,
  { shown }: QueueAddress,
  deadlineMs: number,
  timeoutMs: number,
): Promise<DeviceInfo> {
  for (;;) {
    const device = await findDevice(redis, keys);
    if (device) return device;
    if (performance.now() > deadlineMs) {
      throw new ComputeError(
        "no-adapter",
        `openRemoteBackend: no worker has served ${shown} within ${timeoutMs} ms; ` +
          `start one with "kiln worker --queue ${shown}".`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
