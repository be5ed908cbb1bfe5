/** What is translated and reflected is kept in the store, and what comes out of it is a program or a miss. */
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Bindings, defineKernel, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, fieldAddSpirv } from "@kiln-gpu/kernels";
import { openStore, type StoredValue } from "@kiln-gpu/store";
import { expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { entriesOf, runScript, useStoreFolder } from "@kiln-gpu/test-support/node";
import { describe, expect, it, vi } from "vitest";
import { openPersistentBackend, type PersistentComputeBackend } from "../index.js";

const directory = useStoreFolder();
const data = new RandomData(59);

/** A process that adds in SPIR-V and in WGSL, and tells what it loaded and found. */
const adding = () => `
  let naga = 0;
  const compile = WebAssembly.compile;
  WebAssembly.compile = (...given) => { naga += 1; return compile(...given); };
  const { openPersistentBackend } = await import("@kiln-gpu/backend-persistent");
  const { output } = await import("@kiln-gpu/core");
  const { fieldAdd, fieldAddSpirv } = await import("@kiln-gpu/kernels");
  const { softwareGpu } = await import("@kiln-gpu/software-gpu");
  const gpu = await openPersistentBackend({ fallback: softwareGpu, software: true, store: { directory: ${JSON.stringify(directory())} } });
  const sums = [];
  for (const kernel of [fieldAddSpirv, fieldAdd.specialize({})]) {
    const { c } = await gpu.run(kernel, { a: new Float32Array([1, 2]), b: new Float32Array([3, 5]), c: output(Float32Array, 2) });
    sums.push(...c);
  }
  await gpu.dispose();
  const { hits, misses, failures, programs } = gpu.stats().store;
  console.log(JSON.stringify({ naga, sums, hits, misses, failures, programs }));
`;
const sums = [4, 7, 4, 7];

async function add(kernel: typeof fieldAdd, check?: (gpu: PersistentComputeBackend) => void): Promise<void> {
  const gpu = await openPersistentBackend({ ...software, store: { directory: directory() } });
  try {
    const [a, b] = [data.floats(33), data.floats(33)];
    const { c } = await gpu.run(kernel, { a, b, c: output(Float32Array, 33) });
    expectSame(c, fieldAddReference(a, b));
    check?.(gpu);
  } finally {
    await gpu.dispose();
  }
}

describe("a program that an earlier process has read", () => {
  it("is neither translated nor reflected again, and the translator is not loaded", async () => {
    const told = async () => {
      const { code, output: text } = await runScript(adding(), { from: import.meta.dirname });
      expect({ code, text }).toMatchObject({ code: 0 });
      return JSON.parse(text) as unknown;
    };
    expect(await told()).toEqual({ naga: 1, sums, hits: 0, misses: 2, failures: 0, programs: 0 });
    expect(await told()).toEqual({ naga: 0, sums, hits: 2, misses: 0, failures: 0, programs: 2 });
    vi.stubEnv("KILN_STORE", "off");
    expect(await told()).toMatchObject({ naga: 1, sums, hits: 0, failures: 0, programs: 0 });
  });

  it("is another for other constants and another entry point", async () => {
    const wgsl = `override factor: f32 = 1;
      @group(0) @binding(0) var<storage, read_write> y: array<f32>;
      @compute @workgroup_size(4) fn one(@builtin(global_invocation_id) id: vec3u) { y[id.x] = factor; }
      @compute @workgroup_size(4) fn two(@builtin(global_invocation_id) id: vec3u) { y[id.x] = 2 * factor; }`;
    for (const programs of [0, 1]) {
      for (const [entryPoint, factor, expected] of [
        ["one", 3, 3],
        ["one", 5, 5],
        ["two", 3, 6],
        // JSON has no such number: it is read anew each time.
        ["one", -0, -0],
      ] as const) {
        const gpu = await openPersistentBackend({ ...software, store: { directory: directory() } });
        const kernel = defineKernel<Bindings>({ label: "factor", wgsl, entryPoint, constants: { factor } });
        const { y } = await gpu.run(kernel, { y: output(Float32Array, 4) });
        expect([...(y as Float32Array)]).toEqual([expected, expected, expected, expected]);
        expect(gpu.stats().store.programs).toBe(Object.is(factor, -0) ? 0 : programs);
        await gpu.dispose();
      }
    }
  });

  it("is refused again where it was refused", async () => {
    const kernel = defineKernel<Bindings>({ label: "nothing", wgsl: "fn main() {}" });
    for (let i = 0; i < 2; i += 1) {
      await using gpu = await openPersistentBackend({ ...software, store: { directory: directory() } });
      await expect(gpu.run(kernel, {})).rejects.toMatchObject({ code: "unsupported-shader" });
      const odd = defineKernel<Bindings>({ label: "odd", wgsl: "", constants: { odd: 1n as unknown as number } });
      await expect(gpu.run(odd, {})).rejects.toMatchObject({ code: "unsupported-shader" });
      expect(gpu.stats().store).toMatchObject({ hits: 0, failures: 0 });
    }
  });
});

describe("an entry for a program", () => {
  it.each([fieldAdd.specialize({}), fieldAddSpirv])("that is damaged is read anew: %#", async (kernel) => {
    await add(kernel);
    for (const { path } of entriesOf(directory(), "program")) truncateSync(path, 200);
    await add(kernel, (gpu) => expect(gpu.stats().store).toMatchObject({ failures: 1, programs: 0 }));
    await add(kernel, (gpu) => expect(gpu.stats().store).toMatchObject({ failures: 0, programs: 1 }));
  });

  it.each([fieldAdd.specialize({}), fieldAddSpirv])(
    "that has not a program's shape is read anew: %#",
    async (kernel) => {
      await add(kernel);
      const [{ key } = { key: "" }] = entriesOf(directory(), "program");
      const store = openStore({ directory: directory() });
      const good = (await store.read("program", key)) as { readonly interface: object };
      for (const foreign of [
        null,
        7,
        [],
        {},
        new Uint8Array(10),
        { ...good, interface: undefined },
        { ...good, interface: { ...good.interface, workgroupSize: [64, 1] } },
        { ...good, interface: { ...good.interface, bindings: [{ name: "a" }] } },
        { ...good, constants: { workgroup_size: "64" } },
      ]) {
        await store.write("program", key, foreign as StoredValue);
        expect(store.stats().lastFailure).toBeUndefined();
        await add(kernel, (gpu) => expect(gpu.stats().store.programs).toBe(0));
      }
      await add(kernel, (gpu) => expect(gpu.stats().store.programs).toBe(1));
    },
  );
});

describe("a store that does not work", () => {
  it("costs no run: something else stands in its place", async () => {
    mkdirSync(dirname(directory()), { recursive: true });
    writeFileSync(directory(), "mine");
    await add(fieldAddSpirv, (gpu) => expect(gpu.stats().store.programs).toBe(0));
    await add(fieldAddSpirv, (gpu) => expect(gpu.stats().store.failures).toBeGreaterThan(0));
  });

  it("costs no run: its folder is open to others", async () => {
    await add(fieldAddSpirv);
    chmodSync(directory(), 0o777);
    await add(fieldAddSpirv, (gpu) => {
      expect(gpu.stats().store.programs).toBe(0);
      expect(gpu.stats().store.failures).toBeGreaterThan(0);
    });
  });
});
