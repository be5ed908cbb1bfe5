/**
 * Whatever bytes are given, there is a program or a `ComputeError`. Some thousands of cases by default, always the
 * same; with KILN_LONG=1 at least 100,000, from a seed that is printed, and that KILN_SEED gives again.
 */
import { ComputeError } from "@kiln-gpu/core";
import { loadProgram } from "@kiln-gpu/shader";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type CorpusModule, readCorpus } from "./corpus.js";
import { mutateSpirv, mutation } from "./mutate-spirv.js";

const isLong = process.env.KILN_LONG === "1";
const seed = Number(process.env.KILN_SEED ?? (isLong ? Date.now() % 2 ** 31 : 20_261_122));
const magic = 0x0723_0203;

async function expectAnswer(spirv: Uint8Array, constants?: Record<string, number | boolean>): Promise<void> {
  try {
    const loaded = await loadProgram({ spirv, ...(constants && { constants }) }, 'Kernel "k"');
    if (!loaded.wgsl.includes("@compute")) throw new Error("The translation has no compute entry point.");
  } catch (error) {
    if (!(error instanceof ComputeError)) throw error;
    if (!error.message.startsWith('Kernel "k"')) throw error;
  }
}

/** Bytes in use once what can be collected is. */
function usedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("any bytes as SPIR-V", { timeout: 3_600_000 }, () => {
  let corpus: CorpusModule[];
  beforeAll(async () => {
    corpus = await readCorpus();
    if (isLong) console.log(`KILN_SEED=${seed}`);
  });

  it("are answered where they are random", async () => {
    const headed = fc
      .array(fc.oneof(fc.nat({ max: 64 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })), { maxLength: 60 })
      .map((words) => new Uint8Array(Uint32Array.of(magic, 0x0001_0300, 0, 64, 0, ...words).buffer));
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), headed);
    await fc.assert(
      fc.asyncProperty(bytes, (spirv) => expectAnswer(spirv)),
      { seed, numRuns: isLong ? 20_000 : 500 },
    );
  });

  it("are answered where they are a compiler's, changed", async () => {
    const cases = fc.tuple(fc.nat({ max: corpus.length - 1 }), fc.array(mutation, { minLength: 1, maxLength: 4 }));
    const property = fc.asyncProperty(cases, ([module, mutations]) =>
      expectAnswer(mutateSpirv(corpus[module]!.spirv, mutations)),
    );
    const [first, rest] = isLong ? [10_000, 100_000] : [500, 2_500];
    await fc.assert(property, { seed, numRuns: first });
    const before = usedBytes();
    await fc.assert(property, { seed: seed + 1, numRuns: rest });
    // After only a few thousand cases the collector's noise is as large as a leak.
    if (isLong) expect(usedBytes() - before).toBeLessThan(48 * 2 ** 20);
  });

  it("are answered where constants are set to anything", async () => {
    const specialized = corpus.filter(({ source }) => /^specialization|^workgroup-size/u.test(source));
    const value = fc.oneof(fc.boolean(), fc.integer(), fc.double(), fc.nat({ max: 10 }), fc.nat({ max: 2 ** 32 - 1 }));
    const constants = fc.dictionary(fc.constantFrom("0", "1", "2", "3", "4", "5", "6", "7", "K", "width"), value);
    const cases = fc.tuple(fc.nat({ max: specialized.length - 1 }), constants);
    await fc.assert(
      fc.asyncProperty(cases, ([module, given]) => expectAnswer(specialized[module]!.spirv, given)),
      { seed, numRuns: isLong ? 20_000 : 500 },
    );
  });
});
