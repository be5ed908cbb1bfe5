import { ComputeError } from "@kiln-gpu/core";
import type { Redis } from "ioredis";
import type { QueueAddress } from "./queue-address.js";

/**
 * Waits until Redis answers.
 * @throws {ComputeError} `no-adapter` if it does not within `timeoutMs`, or refuses the user.
 */
export async function reachRedis(
  subject: string,
  address: QueueAddress,
  redis: Redis,
  timeoutMs: number,
): Promise<void> {
  let latest: unknown;
  const onError = (error: unknown) => {
    latest = error;
  };
  redis.on("error", onError);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(latest), timeoutMs);
  });
  try {
    await Promise.race([redis.ping(), tooLate]);
  } catch (cause) {
    const why = cause instanceof Error && cause.message !== "" ? ` ${cause.message}.` : "";
    throw new ComputeError(
      "no-adapter",
      `${subject}: no Redis serves ${address.shown} (waited for at most ${timeoutMs} ms).${why}`,
      { cause },
    );
  } finally {
    clearTimeout(timer);
    redis.off("error", onError);
  }
}

/** Warns of a Redis that may lose jobs. */
export async function warnOfLosses(address: QueueAddress, redis: Redis): Promise<void> {
  for (const text of await risksOf(redis)) {
    process.emitWarning(`The Redis of ${address.shown} may lose jobs: ${text}`, { code: "KILN_REDIS" });
  }
}

async function risksOf(redis: Redis): Promise<string[]> {
  const risks: string[] = [];
  try {
    const info = `${await redis.info("persistence")}\n${await redis.info("memory")}`;
    const fact = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
    if (fact("aof_enabled") === "0") {
      risks.push('it has no append-only file, so it forgets them when it is killed. Set "appendonly yes".');
    }
    const policy = fact("maxmemory_policy");
    if (policy !== undefined && policy !== "noeviction") {
      risks.push(`it evicts keys ("maxmemory-policy ${policy}") when it is full. Set "maxmemory-policy noeviction".`);
    }
  } catch {
    // A user who may not ask gets no warning.
  }
  return risks;
}
