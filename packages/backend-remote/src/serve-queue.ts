import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import { type ComputeBackend, ComputeError } from "@kiln-gpu/core";
import { JobServer } from "@kiln-gpu/frames";
import { reachRedis, warnOfLosses } from "./check-redis.js";
import { amount, checkValues, count, payloadStore, type Rule, settings } from "./check-values.js";
import { defaultKeepMs, defaultStoreBytes } from "./defaults.js";
import { openHealthServer, portOf } from "./health-server.js";
import { JobWorker } from "./job-worker.js";
import { readAddress } from "./queue-address.js";
import { announce } from "./worker-directory.js";
import { WorkerMetrics } from "./worker-metrics.js";
import type { HttpOptions, QueueServer, ServeQueueOptions } from "./worker-options.js";

const rules: Readonly<Record<keyof ServeQueueOptions, Rule | undefined>> = {
  backend: {
    expected: "an open backend",
    allows: (given) => typeof (given as Partial<ComputeBackend> | null)?.run === "function",
  },
  redis: settings,
  store: payloadStore,
  storeBytes: count,
  concurrency: count,
  maxBytesInFlight: count,
  maxJobBytes: count,
  maxRunMs: amount,
  allowedPrograms: {
    expected: "a list of hashes",
    allows: (given) => typeof given === "object" && given !== null && Symbol.iterator in given,
  },
  maxKills: count,
  lockMs: amount,
  keepMs: amount,
  http: {
    expected: 'an object with a "port" from 0 to 65535',
    allows: (given) => {
      const { port } = (given ?? {}) as Partial<HttpOptions>;
      return Number.isInteger(port) && port! >= 0 && port! <= 65_535;
    },
  },
};

const reachMs = 30_000;

/**
 * Serves the jobs of a queue on a backend, until it is closed.
 * @param url Names the Redis and the queue: `redis://host:6379/queue`, or `rediss:` for TLS.
 * @throws {ComputeError} `invalid-option`; `no-adapter` if no Redis answers.
 */
export async function serveQueue(url: string, options: ServeQueueOptions): Promise<QueueServer> {
  const subject = "serveQueue";
  checkValues(subject, options, rules);
  if (!options.backend) throw new ComputeError("invalid-option", `${subject}: "backend" must be an open backend.`);
  const address = readAddress(subject, url, options.redis);
  const { backend, maxJobBytes = 2 ** 30, maxRunMs = Number.POSITIVE_INFINITY, allowedPrograms } = options;
  const metrics = new WorkerMetrics();
  const server = new JobServer(backend, {
    maxJobBytes,
    maxRunMs,
    allowedPrograms: allowedPrograms && new Set(allowedPrograms),
  });
  const worker = new JobWorker(address, server, {
    store: options.store,
    storeBytes: options.storeBytes ?? defaultStoreBytes,
    concurrency: options.concurrency ?? 64,
    maxBytesInFlight: options.maxBytesInFlight ?? 2 ** 28,
    maxJobBytes,
    lockMs: options.lockMs ?? 15_000,
    maxKills: options.maxKills ?? 2,
    keepMs: options.keepMs ?? defaultKeepMs,
    onEnd: (outcome, workedMs) => metrics.count(outcome, workedMs),
  });
  let http: Server | undefined;
  let stopAnnouncing = () => {};
  const close = async () => {
    stopAnnouncing();
    await worker.close();
    http?.close();
  };
  try {
    await reachRedis(subject, address, worker.redis, reachMs);
    await warnOfLosses(address, worker.redis);
    if (options.http) {
      const state = async () => ({
        active: worker.active,
        bytesInFlight: worker.budget.taken,
        waiting: await worker.countWaiting(),
        backend: backend.stats(),
      });
      http = await openHealthServer(
        options.http,
        () => worker.isReady,
        async () => metrics.text(await state()),
      );
    }
    stopAnnouncing = await announce(worker.redis, worker.keys, randomUUID(), backend.device);
    worker.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    httpPort: http && portOf(http),
    stats: () => ({ ended: metrics.total, active: worker.active }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
