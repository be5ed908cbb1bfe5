import { defineKernel, type Kernel, type Output, type Pass, temporary } from "@kiln-gpu/core";
import type { NumberArrays, NumberType } from "./operation.js";

const workgroupSize = 256;
/** With fewer, more workgroups help more than longer loops. */
const numbersPerThread = 16;
/** About what the largest GPUs run at once, and few enough partial results for one workgroup. */
const maxWorkgroups = 1024;

export type ArgReductionBindings<Type extends NumberType> = {
  readonly values: NumberArrays[Type];
  /** One element. */
  readonly index: Output<Uint32Array>;
};

type Extreme = "least" | "greatest";

/**
 * A kernel that finds the index of the least of `values`, of which there is at least one. The first of equal values
 * wins. Floats are compared as NumPy compares them: -0 equals 0, and the first NaN wins if there is one.
 */
export function defineArgMin<Type extends NumberType>(label: string, type: Type): Kernel<ArgReductionBindings<Type>> {
  return defineArgReduction(label, type, "least") as Kernel<ArgReductionBindings<Type>>;
}

/** As `defineArgMin`, for the greatest of `values`. */
export function defineArgMax<Type extends NumberType>(label: string, type: Type): Kernel<ArgReductionBindings<Type>> {
  return defineArgReduction(label, type, "greatest") as Kernel<ArgReductionBindings<Type>>;
}

/** What a kernel of `defineArgMin` computes, on the CPU. */
export function argMinReference(values: NumberArrays[NumberType]): number {
  return argReference(values, (value, best) => value < best);
}

/** What a kernel of `defineArgMax` computes, on the CPU. */
export function argMaxReference(values: NumberArrays[NumberType]): number {
  return argReference(values, (value, best) => value > best);
}

function argReference(values: NumberArrays[NumberType], isBetter: (value: number, best: number) => boolean): number {
  const nan = values.findIndex((value: number) => Number.isNaN(value));
  if (nan >= 0) return nan;
  let index = 0;
  for (const [i, value] of values.entries()) if (isBetter(value, values[index]!)) index = i;
  return index;
}

function defineArgReduction(
  label: string,
  type: NumberType,
  extreme: Extreme,
): Kernel<ArgReductionBindings<NumberType>> {
  return defineKernel<ArgReductionBindings<NumberType>>({
    label,
    programs: {
      values: { wgsl: argReductionWgsl(type, extreme, "values") },
      partials: { wgsl: argReductionWgsl(type, extreme, "partials") },
    },
    temporaries: ({ values: { length } }) => ({ partials: temporary(Uint32Array, workgroupsOf(length)) }),
    passes({ values: { length } }): Pass[] {
      const workgroups = workgroupsOf(length);
      if (workgroups === 1) return [{ program: "values", bindings: { indices: "index" }, workgroups }];
      return [
        { program: "values", bindings: { indices: "partials" }, workgroups },
        { program: "partials", bindings: { indices: "index" }, workgroups: 1 },
      ];
    },
  });
}

function workgroupsOf(length: number): number {
  return Math.min(Math.ceil(length / (workgroupSize * numbersPerThread)), maxWorkgroups);
}

/**
 * Turns a number into a rank, an unsigned number that is the greater the better. The ranks of floats are their bits,
 * in order; 0 has the rank of -0 and every NaN has the highest, whichever extreme is looked for.
 */
function rankOf(type: NumberType, extreme: Extreme): string {
  const flip = extreme === "least" ? "~" : "";
  if (type === "u32") return `return ${flip}value;`;
  if (type === "i32") return `return ${flip}(bitcast<u32>(value) ^ 0x80000000u);`;
  return `let bits = bitcast<u32>(value);
  let signed = select(bits, 0u, bits == 0x80000000u);
  let rank = ${flip}(signed ^ select(0x80000000u, 0xffffffffu, signed >= 0x80000000u));
  return select(rank, 0xffffffffu, (bits & 0x7fffffff) > 0x7f800000);`;
}

/** Finds the best of all values, or of those that the partial results name. */
const argReductionWgsl = (type: NumberType, extreme: Extreme, source: "values" | "partials") => /* wgsl */ `
@group(0) @binding(0) var<storage, read> values: array<${type}>;
@group(0) @binding(1) var<storage, read_write> indices: array<u32>;
${source === "partials" ? "@group(0) @binding(2) var<storage, read> partials: array<u32>;" : ""}

var<workgroup> ranks: array<u32, ${workgroupSize}>;
var<workgroup> places: array<u32, ${workgroupSize}>;

fn rankOf(value: ${type}) -> u32 {
  ${rankOf(type, extreme)}
}

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
) {
  let count = arrayLength(&${source});
  let stride = workgroups.x * ${workgroupSize};
  // No index is that high, so any value is better.
  var best = 0u;
  var place = 0xffffffffu;
  for (var i = id.x; i < count; i += 4 * stride) {
${[0, 1, 2, 3].map((k) => `let i${k} = min(i + ${k} * stride, count - 1);`).join("\n")}
${[0, 1, 2, 3].map((k) => `let place${k} = ${source === "partials" ? `partials[i${k}]` : `i${k}`};`).join("\n")}
${[0, 1, 2, 3].map((k) => `let rank${k} = rankOf(values[place${k}]);`).join("\n")}
${[0, 1, 2, 3].map((k) => takeIfBetter(`rank${k}`, `place${k}`)).join("\n")}
  }
  ranks[local] = best;
  places[local] = place;
  workgroupBarrier();
  for (var width = ${workgroupSize / 2}u; width > 0; width /= 2) {
    if (local < width) {
      let rank = ranks[local + width];
      let other = places[local + width];
      ${takeIfBetter("rank", "other")}
      ranks[local] = best;
      places[local] = place;
    }
    workgroupBarrier();
  }
  if (local == 0) {
    indices[workgroup.x] = place;
  }
}
`;

/** The first of equal values wins. */
function takeIfBetter(rank: string, place: string): string {
  return `{
      let isBetter = (${rank} > best) | ((${rank} == best) & (${place} < place));
      best = select(best, ${rank}, isBetter);
      place = select(place, ${place}, isBetter);
    }`;
}
