import {
  type Constants,
  defineKernel,
  type Kernel,
  type Output,
  type Pass,
  type Program,
  temporary,
} from "@kiln-gpu/core";
import {
  alignment,
  arrayTypes,
  type NumberArrays,
  type NumberType,
  type Operation,
  operationWgsl,
  workgroupSizeOf,
} from "./operation.js";

/** With fewer, more workgroups help more than longer loops. */
const numbersPerThread = 16;
/** Of 256 threads each, about what the largest GPUs run at once, and few enough partial results for one workgroup. */
const maxWorkgroups = 1024;

export interface ReductionDefinition<Type extends NumberType> extends Operation<Type> {
  readonly label: string;
  /**
   * Whether `a ∘ b` equals `b ∘ a`. If it does not, each workgroup combines numbers that follow each other, in their
   * order, which takes more passes.
   * @default true
   */
  readonly isCommutative?: boolean;
}

export type ReductionBindings<Type extends NumberType> = {
  readonly values: NumberArrays[Type];
  /** One element. */
  readonly result: Output<NumberArrays[Type]>;
};

/**
 * A kernel that combines all `values` into one number, which is the identity if all are. Each workgroup writes a
 * partial result, and one workgroup combines these. The order depends on the length and the device alone, so the same
 * values give the same result every time on one device.
 */
export function defineReduction<Type extends NumberType>(
  definition: ReductionDefinition<Type>,
): Kernel<ReductionBindings<Type>> {
  return defineReductionInto(definition, "result") as Kernel<ReductionBindings<Type>>;
}

/** What becomes of the `total` of `count` values, as a WGSL expression. */
interface Finish {
  readonly finish?: string;
}

/** As `defineReduction`, with another name for the result, and with something to do at the end. */
export function defineReductionInto<Result extends string>(
  { label, isCommutative = true, finish, ...operation }: ReductionDefinition<NumberType> & Finish,
  result: Result,
): Kernel<{ readonly values: NumberArrays[NumberType] } & { readonly [name in Result]: Output }> {
  const type = arrayTypes[operation.type];
  const wgslOf = isCommutative ? strideWgsl : blockWgsl;
  const programs: Record<string, Program> = {
    aligned: { wgsl: wgslOf(operation, true) },
    unaligned: { wgsl: wgslOf(operation, false) },
  };
  if (finish) {
    programs["aligned-last"] = { wgsl: wgslOf(operation, true, finish) };
    programs["unaligned-last"] = { wgsl: wgslOf(operation, false, finish) };
  }
  const lengthsOf = (length: number, constants: Constants) => {
    const numbersPerWorkgroup = numbersPerThread * workgroupSizeOf(constants);
    return isCommutative ? strideLengths(length, numbersPerWorkgroup) : blockLengths(length, numbersPerWorkgroup);
  };
  return defineKernel({
    label,
    programs,
    temporaries({ values }, constants) {
      const partials = lengthsOf((values as NumberArrays[NumberType]).length, constants).slice(0, -1);
      return Object.fromEntries(partials.map((length, level) => [`partials${level}`, temporary(type, length)]));
    },
    passes({ values }, constants) {
      const count = (values as NumberArrays[NumberType]).length;
      let length = count;
      const lengths = lengthsOf(length, constants);
      return lengths.map((workgroups, level): Pass => {
        const isLast = level === lengths.length - 1;
        const program = finish && isLast ? `${alignment(length)}-last` : alignment(length);
        length = workgroups;
        const bindings = {
          values: level === 0 ? "values" : `partials${level - 1}`,
          result: isLast ? result : `partials${level}`,
          ...(finish && isLast && { count }),
        };
        return { program, bindings, workgroups };
      });
    },
  });
}

/** How many partial results each pass leaves, for workgroups that stride over all numbers. */
function strideLengths(length: number, numbersPerWorkgroup: number): number[] {
  const workgroups = Math.min(Math.ceil(length / numbersPerWorkgroup), maxWorkgroups);
  return workgroups === 1 ? [1] : [workgroups, 1];
}

/** How many partial results each pass leaves, for workgroups that combine one block each. */
function blockLengths(length: number, numbersPerWorkgroup: number): number[] {
  const lengths = [];
  do {
    length = Math.ceil(length / numbersPerWorkgroup);
    lengths.push(length);
  } while (length > 1);
  return lengths;
}

const declarations = (operation: Operation, isAligned: boolean, finish: string | undefined) => /* wgsl */ `
// A power of two.
override workgroup_size: u32 = 256;
${operationWgsl(operation, isAligned)}
@group(0) @binding(1) var<storage, read_write> result: array<Number>;
${finish ? "@group(0) @binding(2) var<uniform> count: u32;" : ""}
fn finish(total: Number) -> Number {
  return ${finish ?? "total"};
}

var<workgroup> subtotals: array<Number, workgroup_size>;
`;

/** Neighboring threads read neighboring vec4s, four at a time so that many reads are in flight. */
const strideWgsl = (operation: Operation, isAligned: boolean, finish?: string) => /* wgsl */ `
${declarations(operation, isAligned, finish)}
fn combineEach(a: vec4<Number>, b: vec4<Number>) -> vec4<Number> {
  return vec4(combine(a.x, b.x), combine(a.y, b.y), combine(a.z, b.z), combine(a.w, b.w));
}

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
) {
  let whole = arrayLength(&values)${isAligned ? "" : " / 4"};
  let end = ${isAligned ? "whole" : "(arrayLength(&values) + 3) / 4"};
  let stride = workgroups.x * workgroup_size;
  var a = vec4(identity);
  var b = a;
  var c = a;
  var d = a;
  var i = id.x;
  for (; i + 3 * stride < whole; i += 4 * stride) {
    let nextA = readWholeFour(i);
    let nextB = readWholeFour(i + stride);
    let nextC = readWholeFour(i + 2 * stride);
    let nextD = readWholeFour(i + 3 * stride);
    a = combineEach(a, nextA);
    b = combineEach(b, nextB);
    c = combineEach(c, nextC);
    d = combineEach(d, nextD);
  }
  for (; i < end; i += stride) {
    a = combineEach(a, readFour(i));
  }
  subtotals[local] = combineFour(combineEach(combineEach(a, b), combineEach(c, d)));
  workgroupBarrier();

  for (var width = workgroup_size / 2; width > 0; width /= 2) {
    if (local < width) {
      subtotals[local] = combine(subtotals[local], subtotals[local + width]);
    }
    workgroupBarrier();
  }
  if (local == 0) {
    result[workgroup.x] = finish(subtotals[0]);
  }
}
`;

/** Each thread combines sixteen numbers that follow each other; then neighbors combine theirs. */
const blockWgsl = (operation: Operation, isAligned: boolean, finish?: string) => /* wgsl */ `
${declarations(operation, isAligned, finish)}
@compute @workgroup_size(workgroup_size)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let first = (workgroup.x * workgroup_size + local) * 4;
  var subtotal = combineFour(readFour(first));
  subtotal = combine(subtotal, combineFour(readFour(first + 1)));
  subtotal = combine(subtotal, combineFour(readFour(first + 2)));
  subtotal = combine(subtotal, combineFour(readFour(first + 3)));
  subtotals[local] = subtotal;
  workgroupBarrier();

  for (var width = 1u; width < workgroup_size; width *= 2) {
    if (local % (2 * width) == 0) {
      subtotals[local] = combine(subtotals[local], subtotals[local + width]);
    }
    workgroupBarrier();
  }
  if (local == 0) {
    result[workgroup.x] = finish(subtotals[0]);
  }
}
`;
