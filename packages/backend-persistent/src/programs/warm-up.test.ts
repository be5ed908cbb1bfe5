/** What one process compiled, the next compiles before it is asked to. */
import { lstatSync, truncateSync, writeFileSync } from "node:fs";
import { type Bindings, defineKernel, type Kernel, type Manifest, output } from "@kiln-gpu/core";
import { loadProgram } from "@kiln-gpu/shader";
import { openStore } from "@kiln-gpu/store";
import { expectNothingLive, LosableDevices, software } from "@kiln-gpu/test-support";
import { entriesOf, expectExit, runScript, useStoreFolder } from "@kiln-gpu/test-support/node";
import { describe, expect, it, vi } from "vitest";
import { openPersistentBackend, type PersistentBackendOptions, type PersistentComputeBackend } from "../index.js";

const directory = useStoreFolder();

interface Filled extends Bindings {
  readonly y: ReturnType<typeof output<Float32Array>>;
}

/** A program of its own for each number, which is what it writes. */
function kernelOf(value: number): Kernel<Filled> {
  return defineKernel<Filled>({
    label: `write ${value}`,
    wgsl: `override value: f32;
      @group(0) @binding(0) var<storage, read_write> y: array<f32>;
      @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < arrayLength(&y)) { y[id.x] = value; }
      }`,
    constants: { value },
  });
}

async function expectRun(gpu: PersistentComputeBackend, value: number): Promise<void> {
  const { y } = await gpu.run(kernelOf(value), { y: output(Float32Array, 3) });
  expect([...y]).toEqual([value, value, value]);
}

function open(options: PersistentBackendOptions = {}): Promise<PersistentComputeBackend> {
  return openPersistentBackend({ ...software, store: { directory: directory() }, ...options });
}

/** Opens, runs a kernel for each of `values`, and closes. */
async function start(
  values: readonly number[],
  options: PersistentBackendOptions = { warmUp: "test" },
): Promise<Manifest> {
  const gpu = await open(options);
  try {
    for (const value of values) await expectRun(gpu, value);
    return gpu.manifest();
  } finally {
    await gpu.dispose();
    expectNothingLive(gpu);
  }
}

/** Checks how many pipelines a start without a run compiles ahead. */
async function countWarmed(expected: number, warmUp = "test"): Promise<void> {
  const gpu = await open({ warmUp });
  try {
    await expect.poll(() => gpu.stats().pipelines.warmed).toBe(expected);
  } finally {
    await gpu.dispose();
  }
  expect(gpu.stats().pipelines).toMatchObject({ warmed: expected, made: expected });
}

async function withoutStarts(values: readonly number[]): Promise<Manifest> {
  return JSON.parse(JSON.stringify(await start(values, { store: false }))) as Manifest;
}

describe("a manifest by name", () => {
  it("lets a later process compile at its opening what an earlier one ran", async () => {
    await start([1, 2, 3]);
    const gpu = await open({ warmUp: "test" });
    await expect.poll(() => gpu.stats().pipelines.warmed).toBe(3);
    for (const value of [1, 2, 3]) await expectRun(gpu, value);
    expect(gpu.stats().pipelines).toMatchObject({ made: 3, warmed: 3 });
    await expectRun(gpu, 4);
    expect(gpu.stats().pipelines).toMatchObject({ made: 4, warmed: 3 });
    await gpu.dispose();
    await countWarmed(4);
  });

  it("is one of several, and of this version of Kiln", async () => {
    await start([1, 2]);
    await start([3], { warmUp: "@scope/other.name" });
    await countWarmed(1, "@scope/other.name");
    await countWarmed(0, "none");
    const keys = entriesOf(directory(), "manifest").map(({ key }) => key);
    for (const name of ["test", "@scope/other.name"])
      expect(keys).toContainEqual([expect.stringMatching(/naga/), name]);
  });

  it("is not written again by a start that uses the same", async () => {
    await start([1, 2]);
    const written = () => lstatSync(entriesOf(directory(), "manifest")[0]!.path).mtimeMs;
    const before = written();
    await start([1, 2]);
    expect(written()).toBe(before);
    await start([1, 2, 3]);
    expect(written()).toBeGreaterThan(before);
  });

  it("is added to by processes that overlap", async () => {
    const [first, second] = [await open({ warmUp: "test" }), await open({ warmUp: "test" })];
    await expectRun(first, 1);
    await expectRun(second, 2);
    await first.dispose();
    await second.dispose();
    await countWarmed(2);
  });

  it("stays whole when two processes write it at once", async () => {
    const script = (value: number) => `
      import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
      import { defineKernel, output } from "@kiln-gpu/core";
      import { softwareGpu } from "@kiln-gpu/software-gpu";
      for (let i = 0; i < 5; i += 1) {
        const gpu = await openPersistentBackend({ fallback: softwareGpu, software: true, warmUp: "test", store: { directory: ${JSON.stringify(directory())} } });
        const wgsl = "override v: f32; @group(0) @binding(0) var<storage, read_write> y: array<f32>;" +
          "@compute @workgroup_size(1) fn main() { y[0] = v; }";
        const value = ${value} + i;
        const { y } = await gpu.run(defineKernel({ label: "v", wgsl, constants: { v: value } }), { y: output(Float32Array, 1) });
        if (y[0] !== value) throw new Error("It wrote " + y[0]);
        await gpu.dispose();
        if (gpu.stats().store.failures > 0) throw new Error("The store failed.");
      }
    `;
    await Promise.all(
      [100, 200].map((value) => expectExit(runScript(script(value), { from: import.meta.dirname }), 0, "")),
    );
    const gpu = await open({ warmUp: "test" });
    // One's last may have been lost to the other's, and no more.
    await expect.poll(() => gpu.stats().pipelines.warmed).toBeGreaterThanOrEqual(5);
    expect(gpu.stats().store.failures).toBe(0);
    await gpu.dispose();
  });

  it("is written soon even if the backend is not disposed", async () => {
    const gpu = await open({ warmUp: "test" });
    await expectRun(gpu, 1);
    await expect.poll(() => entriesOf(directory(), "manifest").length).toBe(1);
    await countWarmed(1);
    await gpu.dispose();
  });

  it("that is damaged or foreign is none, and is written again", async () => {
    await start([1]);
    const [{ path, key } = { path: "", key: "" }] = entriesOf(directory(), "manifest");
    truncateSync(path, 300);
    await start([1]);
    await countWarmed(1);
    const store = openStore({ directory: directory() });
    const good = (await store.read("manifest", key)) as unknown as { programs: [object] };
    for (const foreign of [7, { programs: [] }, { ...good, programs: [{ ...good.programs[0], wgsl: 7 }] }]) {
      await store.write("manifest", key, foreign as never);
      await countWarmed(0);
      await start([1]);
      await countWarmed(1);
    }
  });

  it("is no promise: without a store, and with a file in the folder's place, all runs as before", async () => {
    vi.stubEnv("KILN_STORE", "off");
    await start([1]);
    await start([1], { warmUp: "test", store: false });
    vi.stubEnv("KILN_STORE", undefined);
    writeFileSync(directory(), "mine");
    await start([1]);
    const gpu = await open({ warmUp: "test" });
    await expectRun(gpu, 1);
    expect(gpu.stats().pipelines).toMatchObject({ made: 1, warmed: 0 });
    await gpu.dispose();
  });

  it.each(["", "../elsewhere\0", "a name", "n".repeat(101), 7])("is not called %j", async (warmUp) => {
    await expect(open({ warmUp: warmUp as string })).rejects.toMatchObject({ code: "invalid-option" });
  });
});

describe("a manifest that the application brings", () => {
  it("is compiled, also after a way through JSON, and says so", async () => {
    const manifest = await withoutStarts([1, 2]);
    const gpu = await open({ store: false });
    expect(await gpu.warmUp(manifest)).toEqual({ compiled: 2, failed: 0, isForeign: false });
    expect(await gpu.warmUp(manifest)).toEqual({ compiled: 2, failed: 0, isForeign: false });
    expect(gpu.manifest().programs).toEqual([]);
    await expectRun(gpu, 1);
    expect(gpu.stats().pipelines).toMatchObject({ made: 2, warmed: 2 });
    expect(gpu.manifest()).toEqual({ ...manifest, programs: [manifest.programs[1]] });
    await gpu.dispose();
    await expect(gpu.warmUp(manifest)).rejects.toMatchObject({ code: "disposed" });
  });

  it("counts as used what runs use of it, and nothing else", async () => {
    const kernel = kernelOf(1);
    const variantsOf = ({ programs }: Manifest) =>
      programs.map((program) => (program as { variants: string[] }).variants);
    // More elements than one dispatch has workgroups for.
    const runLong = (gpu: PersistentComputeBackend) => gpu.run(kernel, { y: output(Float32Array, 300_000) });
    const first = await open({ store: false });
    await expectRun(first, 1);
    await runLong(first);
    const manifest = first.manifest();
    expect(variantsOf(manifest)).toEqual([["whole", "split"]]);
    await first.dispose();
    const gpu = await open({ store: false });
    await gpu.run(kernel, { y: output(Float32Array, 3) });
    await gpu.warmUp(manifest);
    await expectRun(gpu, 1);
    expect(variantsOf(gpu.manifest())).toEqual([["whole"]]);
    await runLong(gpu);
    expect(variantsOf(gpu.manifest())).toEqual([["whole", "split"]]);
    expect(gpu.stats().pipelines).toMatchObject({ made: 2, warmed: 1 });
    await gpu.dispose();
  });

  it("of another version is left alone, and what is no manifest is refused", async () => {
    const gpu = await open({ store: false });
    const manifest = await withoutStarts([1]);
    expect(await gpu.warmUp({ ...manifest, version: "kiln-manifest 0" })).toEqual({
      compiled: 0,
      failed: 0,
      isForeign: true,
    });
    for (const foreign of [undefined, null, 7, {}, { ...manifest, programs: 7 }, { ...manifest, programs: [7] }]) {
      await expect(gpu.warmUp(foreign as Manifest)).rejects.toMatchObject({ code: "invalid-option" });
    }
    expect(gpu.stats().pipelines.made).toBe(0);
    await gpu.dispose();
  });

  it("has a program that does not compile, which costs nothing but itself", async () => {
    const manifest = await withoutStarts([1, 2]);
    const wgsl = `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
      @compute @workgroup_size(1) fn main() { y[0] = 1u; }`;
    const bad = { ...(await loadProgram({ wgsl }, "It")), label: "another's", variants: ["whole"] };
    const changed = { ...(manifest.programs[0] as { interface: object }) };
    changed.interface = { ...changed.interface, workgroupSize: [1, 1, 1e6] };
    const gpu = await open({ store: false });
    const warming = gpu.warmUp({ ...manifest, programs: [bad, changed, ...manifest.programs] });
    // It finds the compilation under way, and is told under its own name.
    const run = gpu.run(defineKernel<Filled>({ label: "mine", wgsl }), { y: output(Float32Array, 1) });
    await expect(run).rejects.toMatchObject({
      code: "shader-compilation",
      message: expect.stringContaining('Kernel "mine"'),
    });
    expect(await warming).toEqual({ compiled: 2, failed: 2, isForeign: false });
    for (const value of [1, 2]) await expectRun(gpu, value);
    expect(gpu.stats().pipelines).toMatchObject({ made: 2, warmed: 2 });
    expect(gpu.manifest().programs).toHaveLength(2);
    await gpu.dispose();
  });

  it("is compiled while runs come, each pipeline once", async () => {
    const values = Array.from({ length: 24 }, (_, i) => i + 1);
    const manifest = await withoutStarts(values);
    const gpu = await open({ store: false });
    const warming = gpu.warmUp(manifest);
    await Promise.all(values.toReversed().map((value) => expectRun(gpu, value)));
    expect(await warming).toMatchObject({ compiled: 24, failed: 0 });
    expect(gpu.stats().pipelines.made).toBe(24);
    expect(gpu.manifest().programs).toHaveLength(24);
    await gpu.dispose();
  });

  it("keeps the bound of pipelines", async () => {
    const manifest = await withoutStarts([1, 2, 3, 4, 5]);
    const gpu = await open({ store: false, maxPipelines: 3 });
    expect(await gpu.warmUp(manifest)).toMatchObject({ compiled: 3, failed: 0 });
    expect(gpu.stats().pipelines).toMatchObject({ made: 3, live: 3, evicted: 0 });
    // The latest were used last.
    await expectRun(gpu, 5);
    expect(gpu.stats().pipelines.made).toBe(3);
    await gpu.dispose();
  });

  it("ends with the backend that is disposed at once", async () => {
    const values = Array.from({ length: 40 }, (_, i) => i + 1);
    const manifest = await withoutStarts(values);
    const gpu = await open({ store: false });
    const warming = gpu.warmUp(manifest);
    await gpu.dispose();
    expectNothingLive(gpu);
    await expect(warming).rejects.toMatchObject({ code: "disposed" });
    expect(gpu.stats().pipelines.made).toBeLessThan(40);
    await start(values);
    const named = await open({ warmUp: "test" });
    await named.dispose();
    expectNothingLive(named);
    // What was not used for one start is still there.
    await countWarmed(40);
  });

  it("is not compiled on a device that comes while the backend is being disposed", async () => {
    const manifest = await withoutStarts(Array.from({ length: 40 }, (_, i) => i + 1));
    const devices = new LosableDevices();
    const gpu = await openPersistentBackend({ device: devices.open, store: false });
    await gpu.warmUp(manifest);
    devices.lose();
    const run = expectRun(gpu, 1);
    await gpu.dispose();
    await run;
    expect(gpu.stats()).toMatchObject({ devices: { made: 2 }, pipelines: { made: 41 } });
    expectNothingLive(gpu);
  });

  it("is compiled again on the device that comes after a lost one, with what runs have used", async () => {
    const manifest = await withoutStarts([1, 2]);
    const devices = new LosableDevices();
    const gpu = await open({ store: false, device: devices.open });
    await gpu.warmUp(manifest);
    await expectRun(gpu, 3);
    for (const losses of [1, 2]) {
      const recovered = new Promise((resolve) => gpu.on("recovered", resolve));
      devices.lose();
      await recovered;
      expect(gpu.stats().pipelines).toMatchObject({ made: 3 + 3 * losses, warmed: 2 + 3 * losses, live: 3 });
      for (const value of [1, 2, 3]) await expectRun(gpu, value);
      expect(gpu.stats().pipelines.made).toBe(3 + 3 * losses);
    }
    await gpu.dispose();
    expect(devices.complaints).toEqual([]);
  });

  it("is compiled on the next device where the first is lost meanwhile", async () => {
    const values = Array.from({ length: 24 }, (_, i) => i + 1);
    const manifest = await withoutStarts(values);
    const devices = new LosableDevices();
    const gpu = await open({ store: false, device: devices.open });
    const warming = gpu.warmUp(manifest);
    devices.lose();
    expect(await warming).toEqual({ compiled: 24, failed: 0, isForeign: false });
    for (const value of values) await expectRun(gpu, value);
    await gpu.dispose();
    expect(devices.complaints).toEqual([]);
  });
});
