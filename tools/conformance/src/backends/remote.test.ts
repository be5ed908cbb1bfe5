import { randomUUID } from "node:crypto";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { openRemoteBackend, serveQueue } from "@kiln-gpu/backend-remote";
import type { ComputeBackend } from "@kiln-gpu/core";
import { hasRedis, RedisServer } from "@kiln-gpu/test-support/node";
import { afterAll, beforeAll, describe } from "vitest";
import { conformance } from "../promises/conformance.js";
import type { OpenOptions } from "../support/suite.js";

describe.skipIf(!hasRedis)("behind Redis", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  /** A queue of its own, with one worker in this process. */
  async function open(options: OpenOptions = {}): Promise<ComputeBackend> {
    const url = redis.url(`suite-${randomUUID()}`);
    const backend = await openPersistentBackend({ store: false, ...options });
    const server = await serveQueue(url, { backend, maxJobBytes: 2 ** 32 });
    const remote = await openRemoteBackend(url);
    const dispose = remote.dispose.bind(remote);
    let closing: Promise<void> | undefined;
    remote.dispose = () => {
      closing ??= dispose().then(async () => {
        await server.close();
        await backend.dispose();
      });
      return closing;
    };
    return remote;
  }

  conformance({
    name: "remote",
    open,
    capabilities: { adoptsDevice: false, keepsResources: false, countsResources: false },
    manyRuns: 300,
    isBrief: true,
  });
});
