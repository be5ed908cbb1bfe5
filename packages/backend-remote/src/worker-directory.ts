import type { DeviceInfo } from "@kiln-gpu/core";
import type { Redis } from "ioredis";
import type { QueueKeys } from "./queue-address.js";

interface Announcement {
  readonly device: DeviceInfo;
  readonly atMs: number;
}

const announceEveryMs = 10_000;
/** A worker that was not heard of for so long is forgotten. Until then its device describes the fleet. */
const forgetMs = 7 * 24 * 3600 * 1000;

/** Tells clients of a worker's device, until the returned function is called. */
export async function announce(redis: Redis, keys: QueueKeys, id: string, device: DeviceInfo): Promise<() => void> {
  const tell = () => redis.hset(keys.workers, id, JSON.stringify({ device, atMs: Date.now() } satisfies Announcement));
  await tell();
  for (const [other, { atMs }] of await listed(redis, keys)) {
    if (Date.now() - atMs > forgetMs) await redis.hdel(keys.workers, other);
  }
  const timer = setInterval(() => tell().catch(() => undefined), announceEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** The device of the worker that was heard of last, also if no worker runs now; `undefined` if there never was one. */
export async function findDevice(redis: Redis, keys: QueueKeys): Promise<DeviceInfo | undefined> {
  const workers = await listed(redis, keys);
  return workers.sort(([, a], [, b]) => b.atMs - a.atMs)[0]?.[1].device;
}

async function listed(redis: Redis, keys: QueueKeys): Promise<[id: string, announcement: Announcement][]> {
  const workers: [string, Announcement][] = [];
  for (const [id, text] of Object.entries(await redis.hgetall(keys.workers))) {
    try {
      const { device, atMs } = JSON.parse(text) as Partial<Announcement>;
      if (typeof device?.limits === "object" && typeof atMs === "number") workers.push([id, { device, atMs }]);
    } catch {
      // Anyone who reaches Redis may write there.
    }
  }
  return workers;
}
