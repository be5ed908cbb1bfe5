import type { PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import { defineKernel, type Output } from "@kiln-gpu/core";
import { checkResult } from "../check-result.js";
import type { Subject } from "./subject.js";

const workgroupSize = 256;
/** Of four numbers each: a thread has 16 results in flight, more than any GPU needs to hide the latency of one. */
const chains = 4;
const stepsPerRound = 8;
const rounds = 128;
/** Near 1, so that the numbers keep changing, and stay between their start and their limit. */
const factor = Math.fround(0.9999);
const term = Math.fround(0.01);
/** For the rounding of a thousand steps; all numbers are positive. */
const tolerance = 1e-4;
/** After this many threads the starting values repeat, so that the host computes few of them. */
const period = 1024;

const eachChain = (line: (chain: number) => string) => Array.from({ length: chains }, (_, i) => line(i)).join("\n");

const fmaChains = defineKernel<{ readonly results: Output<Float32Array> }>({
  label: "fma-chains",
  wgsl: /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> results: array<f32>;

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let start = 1 + f32(id.x % ${period}) / ${period} + vec4f(0, 1, 2, 3);
  ${eachChain((i) => `var chain${i} = start + ${4 * i};`)}
  for (var round = 0u; round < ${rounds}; round++) {
    ${Array.from({ length: stepsPerRound }, () =>
      eachChain((i) => `chain${i} = fma(chain${i}, vec4f(${factor}), vec4f(${term}));`),
    ).join("\n")}
  }
  results[id.x] = dot(${Array.from({ length: chains }, (_, i) => `chain${i}`).join(" + ")}, vec4f(1));
}`,
});

/** The ceiling of the device: only fused multiply-adds of f32, in registers. */
export async function createFmaCeiling(backend: PersistentComputeBackend): Promise<Subject & Disposable> {
  const threads = backend.device.isSoftware ? 2 ** 12 : 2 ** 20;
  const results = await backend.array(Float32Array, threads);
  const steps = rounds * stepsPerRound;
  const byStart = Array.from({ length: period }, (_, i) => sumOfChains(1 + i / period, steps));
  const expected = new Float32Array(threads).map((_, i) => byStart[i % period]!);
  return {
    name: "fma",
    work: 2 * 4 * chains * steps * threads,
    results: [results],
    record: (run) => run(fmaChains, { results }),
    check: ([given]) => checkResult("The chain of multiply-adds", expected, given!, tolerance),
    [Symbol.dispose]: () => results.dispose(),
  };
}

/** The result of one thread: each step of a chain shrinks its distance to `term / (1 - factor)` by `factor`. */
function sumOfChains(start: number, steps: number): number {
  const limit = term / (1 - factor);
  let sum = 0;
  for (let i = 0; i < 4 * chains; i += 1) sum += limit + (start + i - limit) * factor ** steps;
  return sum;
}
