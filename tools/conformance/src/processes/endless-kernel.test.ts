/** Endless kernels, each in its own process: only the end of the process frees the device. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** Scripts resolve packages as this package does. Plain Node loads their built output. */
const here = fileURLToPath(new URL("..", import.meta.url));

const prelude = `
  import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
  import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
  import { defineKernel, output } from "@kiln-gpu/core";
  import { runFieldAdd } from "@kiln-gpu/kernels";
  import { softwareGpu } from "@kiln-gpu/software-gpu";
  const oneShot = { fallback: softwareGpu, software: true, graceMs: 200 };
  const software = { ...oneShot, store: false };
  // It writes in each iteration, because a compiler may assume that a loop without effects ends.
  const endless = defineKernel({
    label: "endless",
    wgsl: \`@group(0) @binding(0) var<uniform> step: u32;
      @group(0) @binding(1) var<storage, read_write> c: array<u32>;
      @compute @workgroup_size(1) fn main() { var i = 1u; while (i != 0u) { i += step; c[0] += 1u; } }\`,
  });
  const runEndless = (gpu, options, n = 1) =>
    gpu.run(endless, { step: 2, c: output(Uint32Array, n) }, options).then(() => "ended", ({ code, message }) => code + ": " + message);
  const add = async (gpu) => {
    const c = await runFieldAdd(gpu, new Float32Array(50).fill(1), new Float32Array(50).fill(2));
    return c.length === 50 && c.every((value) => value === 3) ? "right" : "wrong";
  };
  const submitted = async (gpu, count) => {
    while (gpu.stats().submissions < count) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  const seen = {};
`;

const ending = `
  console.log(JSON.stringify(seen));
  // The busy device would also delay a natural end of the process.
  process.exit(0);
`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "kiln-endless-"));
  // All devices of a process share the threads of the software GPU, by default one per core, and an endless kernel
  // holds one for good. The software GPU reads this file from the working directory.
  await writeFile(path.join(folder, "SwiftShader.ini"), "[Processor]\nThreadCount=64\n");
});
afterAll(() => rm(folder, { recursive: true }));

function run(body: string): Promise<{ readonly [name: string]: unknown }> {
  const settings = `process.chdir(${JSON.stringify(folder)});`;
  const args = ["--input-type=module", "--eval", prelude + settings + body + ending];
  return new Promise((resolveRun, reject) => {
    execFile(process.execPath, args, { cwd: here, timeout: 150_000 }, (error, stdout, stderr) => {
      if (error || stderr) reject(error ?? new Error(stderr));
      else resolveRun(JSON.parse(stdout));
    });
  });
}

const setAside = { live: 0, lost: 1, abandoned: 1 };

describe.concurrent("a kernel that does not end", () => {
  it("times out, later runs use another device, and `dispose` ends", async () => {
    const seen = await run(`
      const gpu = await openPersistentBackend(software);
      seen.first = await add(gpu);
      await gpu.prepare(endless);
      const held = runEndless(gpu, { timeoutMs: 2000 });
      await submitted(gpu, 2);
      const others = [add(gpu), add(gpu), add(gpu)];
      seen.held = await held;
      seen.others = await Promise.all(others);
      seen.retried = gpu.stats().runs.retried;
      seen.working = gpu.stats().devices;
      await gpu.dispose();
      seen.devices = gpu.stats().devices;`);
    expect(seen).toMatchObject({
      first: "right",
      held: 'timeout: The run of kernel "endless" has not finished within 2000 ms.',
      others: ["right", "right", "right"],
      working: { made: 2, live: 1, lost: 1, abandoned: 1 },
      devices: setAside,
    });
    expect(seen.retried).toBeGreaterThan(0);
  });

  it("holds nothing that was being measured behind it", async () => {
    const seen = await run(`
      const gpu = await openPersistentBackend(software);
      seen.first = await add(gpu);
      await gpu.prepare(endless);
      const held = runEndless(gpu, { timeoutMs: 1000 });
      await submitted(gpu, 2);
      // The first upload of a size for which the upload path is measured.
      const inputs = [new Float32Array(5000).fill(1), new Float32Array(5000).fill(2)];
      seen.other = (await runFieldAdd(gpu, ...inputs)).every((value) => value === 3);
      await held;
      await gpu.dispose();
      const { queue, buffers, devices } = gpu.stats();
      Object.assign(seen, { queue, live: buffers.live, devices });`);
    expect(seen).toEqual({
      first: "right",
      other: true,
      queue: { waiting: 0, inFlight: 0 },
      live: 0,
      devices: { made: 2, reused: expect.any(Number), ...setAside },
    });
  });

  it("holds no staged memory that was bound to it", async () => {
    const seen = await run(`
      const gpu = await openPersistentBackend(software);
      const withInput = defineKernel({
        label: "with an input",
        wgsl: \`@group(0) @binding(0) var<storage, read> step: array<u32>;
          @group(0) @binding(1) var<storage, read_write> c: array<u32>;
          @compute @workgroup_size(1) fn main() { var i = 1u; while (i != 0u) { i += step[0]; c[0] += 1u; } }\`,
      });
      const step = await gpu.stage(Uint32Array, 1);
      step.data[0] = 2;
      const controller = new AbortController();
      const run = gpu.run(withInput, { step, c: output(Uint32Array, 1) }, { signal: controller.signal });
      const held = run.then(() => "ended", ({ code }) => code);
      // A run that its caller leaves before it is submitted never is.
      await submitted(gpu, 1);
      controller.abort();
      seen.held = await held;
      while (gpu.stats().devices.abandoned === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await gpu.dispose();
      const { live, bytes } = gpu.stats().buffers;
      seen.buffers = { live, bytes };`);
    expect(seen).toEqual({ held: "aborted", buffers: { live: 0, bytes: 0 } });
  });

  it("that was aborted is abandoned in the same way", async () => {
    const seen = await run(`
      const gpu = await openPersistentBackend(software);
      const lost = new Promise((resolve) => gpu.on("lost", resolve));
      const controller = new AbortController();
      const held = runEndless(gpu, { signal: controller.signal }, 1_000_000);
      await submitted(gpu, 1);
      controller.abort();
      seen.held = await held;
      seen.lost = (await lost).reason.message;
      seen.next = await add(gpu);
      await gpu.dispose();
      seen.devices = gpu.stats().devices;`);
    expect(seen).toMatchObject({
      held: 'aborted: The run of kernel "endless" is aborted.',
      lost: expect.stringMatching(/is abandoned: Kernel "endless" has not ended on the device within 200 ms/),
      next: "right",
      devices: setAside,
    });
  });

  it("without its own timeout ends at the backend's deadline", async () => {
    const seen = await run(`
      const gpu = await openPersistentBackend({ ...software, deadlineMs: 3000 });
      seen.first = await add(gpu);
      const held = runEndless(gpu);
      await submitted(gpu, 2);
      const other = add(gpu);
      seen.held = await held;
      seen.other = await other;
      await gpu.dispose();
      seen.devices = gpu.stats().devices;`);
    expect(seen).toMatchObject({
      first: "right",
      held: 'timeout: Kernel "endless" has not ended on the device within 3000 ms; the device is abandoned.',
      other: "right",
      devices: setAside,
    });
  });

  it("in time but ends later gives its device back", async () => {
    const seen = await run(`
      const slow = defineKernel({
        label: "slow",
        wgsl: \`@group(0) @binding(0) var<uniform> rounds: u32;
          @group(0) @binding(1) var<storage, read_write> c: array<u32>;
          @compute @workgroup_size(1) fn main() { for (var i = 0u; i < rounds; i++) { c[0] += i; } }\`,
      });
      for (const [open, options] of [[openPersistentBackend, software], [openOneShotBackend, oneShot]]) {
        // Far less than the kernel takes on any machine.
        const gpu = await open({ ...options, graceMs: 1 });
        const bindings = { rounds: 1, c: output(Uint32Array, 1) };
        await gpu.run(slow, bindings);
        const run = gpu.run(slow, { ...bindings, rounds: 1e7 }, { timeoutMs: 1 });
        const code = await run.then(() => "ended", ({ code }) => code);
        while (gpu.stats().devices.abandoned === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        while (gpu.stats().devices.abandoned > 0) await new Promise((resolve) => setTimeout(resolve, 50));
        seen[gpu.name] = { code, sum: await add(gpu), lost: gpu.stats().devices.lost };
        await gpu.dispose();
      }`);
    const reclaimed = { code: "timeout", sum: "right", lost: 1 };
    expect(seen).toEqual({ persistent: reclaimed, "one-shot": reclaimed });
  });

  it("repeatedly uses up the allowed devices", async () => {
    const seen = await run(`
      const gpu = await openPersistentBackend({ ...software, maxAbandoned: 2 });
      seen.held = [];
      for (let i = 0; i < 2; i += 1) {
        const lost = new Promise((resolve) => gpu.on("lost", resolve));
        const controller = new AbortController();
        const { submissions } = gpu.stats();
        const held = runEndless(gpu, { signal: controller.signal });
        await submitted(gpu, submissions + 1);
        controller.abort();
        seen.held.push(await held);
        await lost;
      }
      seen.next = await runFieldAdd(gpu, new Float32Array(1), new Float32Array(1)).catch(({ code, message }) => code + ": " + message);
      await gpu.dispose();
      seen.devices = gpu.stats().devices;`);
    expect(seen.held).toEqual(Array(2).fill('aborted: The run of kernel "endless" is aborted.'));
    expect(seen.next).toMatch(/^device-lost: .*has been abandoned 2 times.*at most 2.*`maxAbandoned`/);
    expect(seen.devices).toMatchObject({ live: 0, lost: 2, abandoned: 2 });
  });

  it("does not keep a one-shot backend from being disposed", async () => {
    const seen = await run(`
      const gpu = await openOneShotBackend(oneShot);
      const controller = new AbortController();
      const held = runEndless(gpu, { signal: controller.signal });
      await submitted(gpu, 1);
      controller.abort();
      seen.held = await held;
      seen.next = await add(gpu);
      await gpu.dispose();
      seen.devices = gpu.stats().devices;`);
    expect(seen).toMatchObject({
      held: 'aborted: The run of kernel "endless" is aborted.',
      next: "right",
      devices: setAside,
    });
  });
});
