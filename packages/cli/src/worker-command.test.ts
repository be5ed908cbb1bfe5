import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { openRemoteBackend } from "@kiln-gpu/backend-remote";
import { output } from "@kiln-gpu/core";
import { fieldAdd, runFieldAdd } from "@kiln-gpu/kernels";
import { startNode } from "@kiln-gpu/processes";
import { hasRedis, RedisServer } from "@kiln-gpu/test-support/node";
import { describe, expect, onTestFinished, test } from "vitest";
import { createProject, type Project } from "./project.test-support.js";

const built = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** Starts the built command, and resolves when it serves. */
async function startWorker({ folder }: Project, ...args: string[]) {
  let text = "";
  let onText = () => {};
  const child = startNode([built, "worker", ...args], { cwd: folder }, (stream, chunk) => {
    if (stream !== "stdout") return;
    text += chunk;
    onText();
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "close");
  while (!text.includes("Serving.\n")) {
    await Promise.race([
      new Promise<void>((resolve) => {
        onText = resolve;
      }),
      ended.then(([code]) => Promise.reject(new Error(`The worker ends with ${code}.`))),
    ]);
  }
  return {
    get text() {
      return text;
    },
    async end(signal: NodeJS.Signals) {
      child.kill(signal);
      const [code] = await ended;
      return code as number | null;
    },
  };
}

describe.skipIf(!hasRedis)("kiln worker", () => {
  test("serves a queue until SIGTERM, answers over HTTP, and lists what it compiled for the next one", async () => {
    await using redis = await RedisServer.start();
    const project = await createProject();
    const queue = redis.url("kernels");
    const args = ["--software", "--queue", queue, "--http", "0", "--manifest", "manifest.json"];
    const worker = await startWorker(project, ...args);
    expect(worker.text).toMatch(/a software GPU/);
    expect(worker.text).toContain("Compiled 0 programs ahead.\n");
    {
      await using fleet = await openRemoteBackend(queue);
      const sum = await runFieldAdd(fleet, new Float32Array([1, 2]), new Float32Array([3, 4]));
      expect([...sum]).toEqual([4, 6]);
    }
    const port = /at port (\d+)/.exec(worker.text)![1];
    const health = await fetch(`http://127.0.0.1:${port}/health`);
    expect([health.status, await health.text()]).toEqual([200, "ok\n"]);
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toContain('kiln_worker_jobs_total{outcome="completed"} 1\n');
    expect(metrics).toContain("\nkiln_queue_jobs_waiting 0\n");
    expect(metrics).toContain("\nkiln_backend_submissions_total 1\n");
    for (const line of metrics.trim().split("\n")) {
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]+"\})? [\d.e+-]+)$/);
    }
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
    expect(await worker.end("SIGTERM")).toBe(0);
    expect(worker.text).toMatch(/Finishing\.\nServed 1 jobs\.\n$/);

    const next = await startWorker(project, ...args);
    expect(next.text).toContain("Compiled 1 programs ahead.\n");
    expect(await next.end("SIGINT")).toBe(0);
  });

  test("serves with every GPU of the machine", async () => {
    await using redis = await RedisServer.start();
    const queue = redis.url("kernels");
    const worker = await startWorker(await createProject(), "--queue", queue, "--gpu", "all");
    await using fleet = await openRemoteBackend(queue);
    expect([...(await runFieldAdd(fleet, new Float32Array([1]), new Float32Array([2])))]).toEqual([3]);
    expect(worker.text).toMatch(/^On .+\.\nServing\.\n$/);
    expect(await worker.end("SIGTERM")).toBe(0);
  });

  test("runs only the programs that it is told", async () => {
    await using redis = await RedisServer.start();
    const project = await createProject({ "programs.txt": `# of another kernel\n${"0".repeat(64)}\n` });
    const queue = redis.url("kernels");
    const worker = await startWorker(project, "--software", "--queue", queue, "--programs", "programs.txt");
    await using fleet = await openRemoteBackend(queue);
    const [x, y] = [new Float32Array(4), new Float32Array(4)];
    await expect(fleet.run(fieldAdd, { a: x, b: y, c: output(Float32Array, 4) })).rejects.toMatchObject({
      code: "unsupported-shader",
      message: expect.stringMatching(/not among those that this server allows/),
    });
    expect(await worker.end("SIGTERM")).toBe(0);
  });
});

test("names what is wrong on its command line", async () => {
  const project = await createProject({ "programs.txt": "abc", "manifest.json": "{" });
  const queue = ["--queue", "redis://127.0.0.1:1/kernels"];
  for (const [args, message] of [
    [[], /^--queue is missing; write --queue redis:\/\/host:6379\/queue\./],
    [
      [...queue, "--http", "here"],
      /^--http must be a port, or a host and a port such as 0\.0\.0\.0:9090; got "here"\./,
    ],
    [[...queue, "--programs", "programs.txt"], /must list SHA-256 hashes .*; got "abc"\./],
    [[...queue, "--programs", "absent.txt"], /^--programs: ENOENT/],
    [[...queue, "--software", "--manifest", "manifest.json"], /manifest\.json is not JSON\./],
    [[...queue, "--gpu", "all", "--software"], /^--software does not go with --gpu all\./],
    [[...queue, "--concurrency", "0"], /^--concurrency must be a whole number, 1 or more; got "0"\./],
  ] as const) {
    const { code, errors } = await project.run("worker", ...args);
    expect(errors).toMatch(message);
    expect(code).toBe(2);
  }
  const { code, errors } = await project.run("worker", "--software", "--queue", "http://127.0.0.1/kernels");
  expect([code, errors]).toEqual([
    1,
    'serveQueue: the URL must be like "redis://host:6379/queue", or "rediss:" for TLS; got "http://127.0.0.1/kernels".\n',
  ]);
});
