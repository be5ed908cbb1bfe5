import { readFile } from "node:fs/promises";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { type BindingValue, type ComputeBackend, defineKernel, isComputeError, type TypedArray } from "@kiln-gpu/core";
import { roleOf, type TypeLayout } from "@kiln-gpu/core/backend";
import { loadProgram } from "@kiln-gpu/shader";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kernels, readCorpus } from "./corpus.js";
import type { CorpusRun } from "./corpus-kernel.js";
import { RandomData } from "./random-data.js";
import { refusals } from "./refusals.js";

const corpus = await readCorpus();

describe("the corpus", () => {
  let backend: ComputeBackend;
  beforeAll(async () => {
    backend = await openPersistentBackend({ fallback: softwareGpu, software: true });
  });
  afterAll(() => backend.dispose());

  it.each(corpus.filter(({ source }) => !(source in refusals)))("runs $source by $compiler", async (module) => {
    const kernel = kernels[module.source];
    if (!kernel) throw new Error(`There is no reference for ${module.source}.`);
    for (const run of kernel.runs(new RandomData(module.source.length * 7919))) {
      await expectRun(backend, `${module.source} by ${module.compiler}`, module.spirv, run);
    }
  });

  it.each(corpus.filter(({ source }) => source in refusals))("refuses $source by $compiler", async (module) => {
    const { code, words } = refusals[module.source]!;
    const error = await loadProgram({ spirv: module.spirv }, 'Kernel "k"').catch((reason: unknown) => reason);
    expect(isComputeError(error, code), String(error)).toBe(true);
    for (const word of words) expect((error as Error).message).toMatch(word);
  });

  it("is what docs/spirv.md lists, with what is run and what is refused", async () => {
    const text = await readFile(new URL("../../../docs/spirv.md", import.meta.url), "utf8");
    const [, supported = "", refused = ""] = text.split(/^## (?:Supported|Refused).*$/mu);
    const listed = (section: string) =>
      section
        .split("\n")
        .flatMap((line) =>
          [...(line.match(/^\| (`[^|]+)/u)?.[1] ?? "").matchAll(/`([^`]+)`/gu)].map(([, name]) => name),
        );
    expect(listed(supported).sort()).toEqual(Object.keys(kernels).sort());
    expect(listed(refused).sort()).toEqual(Object.keys(refusals).sort());
  });

  it("has modules of at least four compilers, and of each source that is described", () => {
    const sources = new Set(corpus.map(({ source }) => source));
    expect([...sources].sort()).toEqual([...Object.keys(kernels), ...Object.keys(refusals)].sort());
    expect(new Set(corpus.map(({ compiler }) => compiler.replace(/-opt$/u, ""))).size).toBeGreaterThanOrEqual(4);
    expect(corpus.filter(({ source }) => source in kernels).length).toBeGreaterThanOrEqual(60);
  });
});

async function expectRun(backend: ComputeBackend, label: string, spirv: Uint8Array, run: CorpusRun): Promise<void> {
  const { entryPoint, constants, workgroups, tolerance = 0 } = run;
  const program = { spirv, ...(entryPoint !== undefined && { entryPoint }), ...(constants && { constants }) };
  const { interface: shader } = await loadProgram(program, `Kernel "${label}"`);
  const names = new Map(shader.bindings.map(({ group, binding, name }) => [`${group}/${binding}`, name]));
  const named = (place: string) => names.get(place) ?? place;
  const kernel = defineKernel({
    label,
    programs: { main: program },
    passes: () => [{ program: "main", workgroups }],
  });
  const bindings = Object.fromEntries(
    Object.entries(run.bindings).map(([place, value]) => {
      const info = shader.bindings.find(({ group, binding }) => `${group}/${binding}` === place);
      return [
        named(place),
        info && isBlock(value) && !isOutput(value) ? (inOrder(value, info.layout) as BindingValue) : value,
      ];
    }),
  );
  const results: { readonly [name: string]: unknown } = await backend.run(kernel, bindings);
  for (const [place, expected] of Object.entries(run.expected)) {
    expectClose(results[named(place)] as TypedArray, expected, tolerance);
  }
}

const isOutput = (value: object) => roleOf(value) !== undefined;

type Block = { readonly [member: string]: unknown };

function isBlock(value: unknown): value is Block {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * The members of a value under the names that the module has, whatever a compiler left of them: they are in the same
 * order.
 */
function inOrder(value: unknown, layout: TypeLayout): unknown {
  if (layout.kind === "array" && Array.isArray(value)) return value.map((element) => inOrder(element, layout.element));
  if (layout.kind !== "struct" || !isBlock(value)) return value;
  const given = Object.values(value);
  const [sole] = layout.members;
  // Some compilers wrap each uniform in a block of one member.
  if (layout.members.length === 1 && given.length > 1) return { [sole!.name]: inOrder(value, sole!.layout) };
  return Object.fromEntries(layout.members.map((member, i) => [member.name, inOrder(given[i], member.layout)]));
}

function expectClose(actual: TypedArray, expected: TypedArray, tolerance: number): void {
  expect(actual.constructor.name).toBe(expected.constructor.name);
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i += 1) {
    const wanted = expected[i]!;
    // Infinities have no distance.
    const off = actual[i] === wanted ? 0 : Math.abs(actual[i]! - wanted);
    if (!(off <= tolerance * Math.max(1, Math.abs(wanted)))) {
      expect.fail(`Element ${i} of ${expected.length} is ${actual[i]}; expected is ${wanted}.`);
    }
  }
}
