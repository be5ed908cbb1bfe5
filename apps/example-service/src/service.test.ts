import { once } from "node:events";
import { request } from "node:http";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { startNode } from "@kiln-gpu/processes";
import type { FastifyInstance } from "fastify";
import { openPersistentBackend, type PersistentComputeBackend, softwareGpu } from "kiln-gpu";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createService } from "./service.js";

const dimensions = 4;
const vectors = Float32Array.from({ length: 100 * dimensions }, (_, i) => (i % 7) - 3);
const query = new Float32Array([1, 2, -1, 0.5]);
const expected = Float32Array.from({ length: 100 }, (_, row) =>
  query.reduce((sum, value, i) => sum + value * vectors[row * dimensions + i]!, 0),
);
const maxPending = 3;
const byteBudget = 2 ** 20;
/** A watchdog against hangs. */
const long = 120_000;

let gpu: PersistentComputeBackend;
let service: FastifyInstance;
let address: string;

beforeEach(async () => {
  vi.stubEnv("LOG_LEVEL", "silent");
  gpu = await openPersistentBackend({ fallback: softwareGpu, software: true, byteBudget, memoryWaitMs: long });
  await start();
});
afterEach(async () => {
  await service.close();
  await gpu.dispose();
});

async function start(timeoutMs = long): Promise<void> {
  service = await createService(gpu, { vectors, dimensions, maxPending, timeoutMs });
  address = await service.listen({ port: 0 });
}

function ask(body: BodyInit = query, signal?: AbortSignal): Promise<Response> {
  const headers = { "Content-Type": "application/octet-stream" };
  return fetch(`${address}/scores`, { method: "POST", headers, body, ...(signal && { signal }) });
}

async function expectScores(answer: Response): Promise<void> {
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toBe("application/octet-stream");
  expect(new Float32Array(await answer.arrayBuffer())).toEqual(expected);
}

/** Takes all memory of the backend, so that runs wait until the returned function is called. */
async function holdMemory(): Promise<() => void> {
  const held: Disposable[] = [];
  for (let bytes = byteBudget; bytes >= 256; bytes /= 2) {
    if (gpu.stats().buffers.inUseBytes + bytes <= byteBudget) held.push(await gpu.stage(Uint8Array, bytes));
  }
  return () => {
    for (const each of held) each[Symbol.dispose]();
  };
}

/** Resolves once that many requests wait for the GPU. */
const expectPending = (count: number) => expect.poll(() => gpu.stats().runs.pending, { timeout: long }).toBe(count);

test("answers a query with a score for each vector", async () => {
  await expectScores(await ask());
});

test("refuses a query of another length, and one that is not binary", async () => {
  const short = await ask(new Float32Array(3));
  expect(short.status).toBe(400);
  expect(await short.json()).toEqual({ error: "A query has 4 f32 values, 16 bytes; got 12 bytes." });
  expect((await ask(new Float32Array(5))).status).toBe(413);
  expect((await fetch(`${address}/scores`, { method: "POST" })).status).toBe(400);
  expect((await fetch(`${address}/scores`, { method: "POST", body: new URLSearchParams("a=1") })).status).toBe(415);
});

test("refuses requests beyond the bound, and answers those before it", async () => {
  const release = await holdMemory();
  const accepted = Array.from({ length: maxPending }, () => ask());
  await expectPending(maxPending);
  const refused = await ask();
  expect(refused.status).toBe(503);
  expect(refused.headers.get("Retry-After")).toBe("1");
  release();
  for (const answer of accepted) await expectScores(await answer);
  await expectScores(await ask());
});

test("gives up the run of a client that goes away", async () => {
  const release = await holdMemory();
  const client = new AbortController();
  const answer = ask(query, client.signal);
  await expectPending(1);
  client.abort();
  await expect(answer).rejects.toThrow("aborted");
  // The memory is still held, so the run cannot have ended otherwise.
  await expectPending(0);
  release();
  await expectScores(await ask());
});

test("answers 504 when the GPU takes too long", async () => {
  await service.close();
  await start(1);
  const release = await holdMemory();
  expect((await ask()).status).toBe(504);
  release();
});

test("answers what has come before it closes, and accepts no more", async () => {
  const release = await holdMemory();
  const answer = ask();
  await expectPending(1);
  const closed = service.close();
  await expect(ask()).rejects.toThrow();
  release();
  await expectScores(await answer);
  await closed;
});

test("the process answers the request that it has begun to read when SIGTERM comes, and ends", async () => {
  const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
  let log = "";
  const env = { ...process.env, PORT: "0", LOG_LEVEL: "info" };
  const child = startNode([main], { env, timeoutMs: long }, (_stream, text) => {
    log += text;
  });
  const ended = once(child, "exit");
  const expectLog = (words: RegExp) => expect.poll(() => log, { timeout: long }).toMatch(words);
  await expectLog(/listening at/);

  const body = new Uint8Array(64 * 4);
  const headers = { "Content-Type": "application/octet-stream", "Content-Length": body.length };
  const asking = request(`${/http:[^"]+/.exec(log)![0]}/scores`, { method: "POST", headers });
  asking.write(body.subarray(100));
  await expectLog(/incoming request/);
  child.kill("SIGTERM");
  await expectLog(/Closing after SIGTERM/);
  asking.end(body.subarray(0, 100));
  const [answer] = await once(asking, "response");
  expect(answer.statusCode).toBe(200);
  expect(await buffer(answer)).toHaveLength(10_000 * 4);
  expect(await ended).toEqual([0, null]);
});

test("reports metrics for Prometheus", async () => {
  await ask();
  const answer = await fetch(`${address}/metrics`);
  expect(answer.headers.get("Content-Type")).toContain("text/plain; version=0.0.4");
  const text = await answer.text();
  expect(text).toContain("\nkiln_runs_completed_total 1\n");
  expect(text).toContain("\nkiln_runs_pending 0\n");
  expect(text).toContain('\nhttp_request_duration_seconds_count{route="/scores",status="200"} 1\n');
});
