import { defineKernel, isComputeError, type Kernel, output, type Program } from "@kiln-gpu/core";
import { layOutPipeline } from "@kiln-gpu/core/backend";
import { exclusiveScan, fieldAddSpirv, histogram, matrixProduct, nBody } from "@kiln-gpu/kernels";
import { loadProgram, splitVariant } from "@kiln-gpu/shader";
import { expectError, software } from "@kiln-gpu/test-support";
import { compileProgram, openDevice } from "@kiln-gpu/webgpu";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openPersistentBackend } from "../index.js";

const programs = [exclusiveScan, histogram, matrixProduct, nBody].flatMap((kernel) =>
  Object.values((kernel as unknown as Kernel).programs).filter(
    (program): program is Extract<Program, { readonly wgsl: string }> => program.wgsl !== undefined,
  ),
);
const words = [...new Set(programs.flatMap(({ wgsl }) => wgsl.split(/\b/u)))];

/** A program of ours with pieces of its text doubled, moved, removed, or replaced. */
const damaged = fc
  .record({
    program: fc.constantFrom(...programs),
    damage: fc.array(
      fc.record({
        at: fc.nat(),
        count: fc.nat(4),
        piece: fc.oneof(
          fc.constantFrom("", "", ...words, "/*", "{", "<", "\u0000", "\u2028"),
          fc.record({ from: fc.nat(), length: fc.nat(40) }),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .map(({ program, damage }): Program => {
    const text = program.wgsl.split(/\b/u);
    for (const { at, count, piece } of damage) {
      const from = typeof piece === "string" ? 0 : piece.from % text.length;
      const pieces = typeof piece === "string" ? [piece] : text.slice(from, from + piece.length);
      text.splice(at % text.length, count, ...pieces);
    }
    return { ...program, wgsl: text.join("") };
  });

async function errorOf(attempt: () => Promise<unknown>): Promise<unknown> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("damaged WGSL gives a result or a ComputeError", () => {
  it("before there is a device", async () => {
    let loaded = 0;
    await fc.assert(
      fc.asyncProperty(damaged, async (program) => {
        const error = await errorOf(async () => {
          const result = await loadProgram(program, 'Kernel "k"');
          loaded += 1;
          const { splittable } = result.interface;
          if (typeof splittable !== "string") splitVariant(result, { ...splittable, type: "uniform" });
        });
        if (error !== undefined && !isComputeError(error)) throw error;
      }),
      { numRuns: process.env.KILN_LONG ? 100_000 : 2000 },
    );
    // Damage that is always seen at once would try nothing else.
    expect(loaded).toBeGreaterThan(100);
  }, 3_600_000);

  it("on a device, which goes on", async () => {
    const gpu = await openPersistentBackend(software);
    try {
      await fc.assert(
        fc.asyncProperty(damaged, async (program) => {
          const error = await errorOf(() => gpu.prepare(defineKernel({ label: "damaged", ...program })));
          if (error !== undefined && !isComputeError(error)) throw error;
        }),
        { numRuns: process.env.KILN_LONG ? 5000 : 100 },
      );
      const whole = defineKernel({
        label: "whole",
        wgsl: `@group(0) @binding(0) var<storage, read_write> c: array<f32>;
          @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) { c[id.x] = 3; }`,
      });
      expect([...(await gpu.run(whole, { c: output(Float32Array, 2) })).c]).toEqual([3, 3]);
    } finally {
      await gpu.dispose();
    }
  }, 3_600_000);
});

it("an error in a translation says that its lines are not the author's", async () => {
  const open = await openDevice(software);
  try {
    const program = (fieldAddSpirv as unknown as Kernel).programs.main!;
    const { translatedFrom, ...loaded } = await loadProgram(program, "The kernel");
    const wgsl = `${loaded.wgsl}\nconst broken = missing;`;
    const line = wgsl.split("\n").length;
    const label = 'Kernel "k"';
    const layout = layOutPipeline(label, loaded.interface, { split: false, immediate: false }, open.info.limits);
    const request = { ...loaded, label, wgsl, layout };
    const compile = (rest: { file?: string; translatedFrom?: string }) => compileProgram(open, { ...request, ...rest });
    const { message } = await expectError(compile({ translatedFrom: translatedFrom! }), "shader-compilation");
    expect(message.split("\n")).toEqual([
      'Kernel "k" does not compile; lines are those of its translation from SPIR-V:',
      `  translation of Kernel "k":${line}:16: unresolved value 'missing'`,
      "    const broken = missing;",
      "                   ^^^^^^^",
    ]);
    await expectError(compile({ file: "src/k.wgsl" }), "shader-compilation", `\n  src/k.wgsl:${line}:16: unresolved`);
  } finally {
    await open.close();
  }
});
