import { defineKernel, type Kernel, type Output, type Pass, temporary } from "@kiln-gpu/core";
import { alignment, type NumberArrays, type NumberType } from "./operation.js";

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
      "values-aligned": { wgsl: argReductionWgsl(type, extreme, "aligned") },
      "values-unaligned": { wgsl: argReductionWgsl(type, extreme, "unaligned") },
      partials: { wgsl: argReductionWgsl(type, extreme, "partials") },
    },
    temporaries: ({ values: { length } }) => ({ partials: temporary(Uint32Array, workgroupsOf(length)) }),
    passes({ values: { length } }): Pass[] {
      const workgroups = workgroupsOf(length);
      const program = `values-${alignment(length)}`;
      if (workgroups === 1) return [{ program, bindings: { indices: "index" }, workgroups }];
      return [
        { program, bindings: { indices: "partials" }, workgroups },
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

/** Finds the best of all values, in vec4s or one by one, or of those that the partial results name. */
function argReductionWgsl(type: NumberType, extreme: Extreme, source: "aligned" | "unaligned" | "partials"): string {
  const rows = [0, 1, 2, 3];
  const isAligned = source === "aligned";
  const take = (k: number) =>
    isAligned
      ? [..."xyzw"].map((x, i) => takeIfBetter(`rankOf(value${k}.${x})`, `4 * place${k} + ${i}`)).join("\n")
      : takeIfBetter(`rankOf(value${k})`, `place${k}`);
  return /* wgsl */ `
@group(0) @binding(0) var<storage, read> values: array<${isAligned ? `vec4<${type}>` : type}>;
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
  let count = arrayLength(&${source === "partials" ? source : "values"});
  let stride = workgroups.x * ${workgroupSize};
  // No index is that high, so any value is better.
  var best = 0u;
  var place = 0xffffffffu;
  for (var i = id.x; i < count; i += 4 * stride) {
${rows.map((k) => `let i${k} = min(i + ${k} * stride, count - 1);`).join("\n")}
${rows.map((k) => `let place${k} = ${source === "partials" ? `partials[i${k}]` : `i${k}`};`).join("\n")}
${rows.map((k) => `let value${k} = values[place${k}];`).join("\n")}
${rows.map(take).join("\n")}
  }
  ranks[local] = best;
  places[local] = place;
  workgroupBarrier();
  for (var width = ${workgroupSize / 2}u; width > 0; width /= 2) {
    if (local < width) {
      ${takeIfBetter("ranks[local + width]", "places[local + width]")}
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
}

/** The first of equal values wins. */
function takeIfBetter(rank: string, place: string): string {
  return `{
      let rank = ${rank};
      let other = ${place};
      let isBetter = (rank > best) | ((rank == best) & (other < place));
      best = select(best, rank, isBetter);
      place = select(place, other, isBetter);
    }`;
}
