import {
  type Constants,
  defineKernel,
  type Kernel,
  type Output,
  type Pass,
  type Program,
  type Temporary,
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

/** In four vec4s, which are a row apart, so that neighboring threads read neighboring vec4s. */
const numbersPerThread = 16;

export interface ScanDefinition<Type extends NumberType> extends Operation<Type> {
  readonly label: string;
  /**
   * Whether element i of the result includes value i.
   * @default false
   */
  readonly isInclusive?: boolean;
}

export type ScanBindings<Type extends NumberType> = {
  readonly values: NumberArrays[Type];
  /** As long as `values`. */
  readonly prefixes: Output<NumberArrays[Type]>;
};

/**
 * A kernel that gives for each element the combination of those before it, in their order: of `values[0]` to
 * `values[i - 1]`, or to `values[i]` if it is inclusive. Reduce, then scan: the first passes combine blocks of numbers,
 * then blocks of these totals, and so on until one block is left. The passes back down scan each block, starting at the
 * offset that the level above computed. No workgroup waits for another.
 */
export function defineScan<Type extends NumberType>(definition: ScanDefinition<Type>): Kernel<ScanBindings<Type>> {
  const { label, isInclusive = false, ...operation } = definition;
  return defineKernel<ScanBindings<Type>>({
    label,
    programs: scanPrograms(operation, isInclusive),
    temporaries: ({ values: { length } }, constants) => scanTemporaries(operation.type, length, constants),
    passes: ({ values: { length } }, constants) =>
      scanPasses({ length, values: "values", prefixes: "prefixes" }, constants),
  });
}

/** The programs of a scan, for kernels that scan between other passes. */
export function scanPrograms(operation: Operation, isInclusive: boolean): Record<string, Program> {
  const programs: Record<string, Program> = {};
  for (const isAligned of [true, false]) {
    const suffix = isAligned ? "aligned" : "unaligned";
    programs[`scan-totals-${suffix}`] = { wgsl: totalsWgsl(operation, isAligned) };
    for (const isTop of [true, false]) {
      const part = isTop ? "whole" : "blocks";
      programs[`scan-offsets-${part}-${suffix}`] = {
        wgsl: scanWgsl(operation, { isAligned, isInclusive: false, isTop }),
      };
      programs[`scan-values-${part}-${suffix}`] = { wgsl: scanWgsl(operation, { isAligned, isInclusive, isTop }) };
    }
  }
  return programs;
}

/** The temporaries that the passes of a scan over `length` numbers share. */
export function scanTemporaries(type: NumberType, length: number, constants: Constants): Record<string, Temporary> {
  const temporaries: Record<string, Temporary> = {};
  for (const [level, levelLength] of levelLengths(length, constants).entries()) {
    if (level === 0) continue;
    temporaries[`scanTotals${level}`] = temporary(arrayTypes[type], levelLength);
    temporaries[`scanOffsets${level}`] = temporary(arrayTypes[type], levelLength);
  }
  return temporaries;
}

/** The passes of a scan from the binding or temporary `values` to `prefixes`. */
export function scanPasses(
  { length, values, prefixes }: { readonly length: number; readonly values: string; readonly prefixes: string },
  constants: Constants,
): Pass[] {
  const up: Pass[] = [];
  const down: Pass[] = [];
  const lengths = levelLengths(length, constants);
  const top = lengths.length - 1;
  for (const [level, levelLength] of lengths.entries()) {
    const workgroups = Math.ceil(levelLength / blockLengthOf(constants));
    const suffix = alignment(levelLength);
    const names =
      level === 0 ? { values, prefixes } : { values: `scanTotals${level}`, prefixes: `scanOffsets${level}` };
    if (level < top) {
      const bindings = { values: names.values, totals: `scanTotals${level + 1}` };
      up.push({ program: `scan-totals-${suffix}`, bindings, workgroups });
    }
    const stage = level === 0 ? "scan-values" : "scan-offsets";
    down.unshift(
      level === top
        ? { program: `${stage}-whole-${suffix}`, bindings: names, workgroups }
        : {
            program: `${stage}-blocks-${suffix}`,
            bindings: { ...names, offsets: `scanOffsets${level + 1}` },
            workgroups,
          },
    );
  }
  return [...up, ...down];
}

function blockLengthOf(constants: Constants): number {
  return numbersPerThread * workgroupSizeOf(constants);
}

/** The lengths to scan at each level: the values, the totals of their blocks, and so on, until one block is enough. */
function levelLengths(length: number, constants: Constants): number[] {
  const blockLength = blockLengthOf(constants);
  const lengths = [length];
  for (let rest = length; rest > blockLength; ) {
    rest = Math.ceil(rest / blockLength);
    lengths.push(rest);
  }
  return lengths;
}

const declarations = (operation: Operation, isAligned: boolean) => /* wgsl */ `
// A power of two.
override workgroup_size: u32 = 256;
${operationWgsl(operation, isAligned)}
// Each vec4's total, in the order of the values.
var<workgroup> totalsOfFour: array<Number, 4 * workgroup_size>;
`;

const totalsWgsl = (operation: Operation, isAligned: boolean) => /* wgsl */ `
${declarations(operation, isAligned)}
@group(0) @binding(1) var<storage, read_write> totals: array<Number>;

@compute @workgroup_size(workgroup_size)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let first = workgroup.x * 4 * workgroup_size + local;
  totalsOfFour[local] = combineFour(readFour(first));
  totalsOfFour[local + workgroup_size] = combineFour(readFour(first + workgroup_size));
  totalsOfFour[local + 2 * workgroup_size] = combineFour(readFour(first + 2 * workgroup_size));
  totalsOfFour[local + 3 * workgroup_size] = combineFour(readFour(first + 3 * workgroup_size));
  workgroupBarrier();

  for (var width = 1u; width < 4 * workgroup_size; width *= 2) {
    for (var i = 2 * width * local; i < 4 * workgroup_size; i += 2 * width * workgroup_size) {
      totalsOfFour[i] = combine(totalsOfFour[i], totalsOfFour[i + width]);
    }
    workgroupBarrier();
  }
  if (local == 0) {
    totals[workgroup.x] = totalsOfFour[0];
  }
}
`;

interface ScanVariant {
  readonly isAligned: boolean;
  readonly isInclusive: boolean;
  /** Whether the block has no others before it. */
  readonly isTop: boolean;
}

const scanWgsl = (operation: Operation, { isAligned, isInclusive, isTop }: ScanVariant) => /* wgsl */ `
${declarations(operation, isAligned)}
@group(0) @binding(1) var<storage, read_write> prefixes: array<${isAligned ? "vec4<Number>" : "Number"}>;
${isTop ? "" : "@group(0) @binding(2) var<storage, read> offsets: array<Number>;"}

var<workgroup> sums: array<Number, 2 * workgroup_size>;

fn writeFour(i: u32, four: vec4<Number>) {
${
  isAligned
    ? "if (i < arrayLength(&prefixes)) { prefixes[i] = four; }"
    : `let count = arrayLength(&prefixes);
  if (4 * i < count) { prefixes[4 * i] = four.x; }
  if (4 * i + 1 < count) { prefixes[4 * i + 1] = four.y; }
  if (4 * i + 2 < count) { prefixes[4 * i + 2] = four.z; }
  if (4 * i + 3 < count) { prefixes[4 * i + 3] = four.w; }`
}
}

fn scanFour(before: Number, four: vec4<Number>) -> vec4<Number> {
  let x = combine(before, four.x);
  let y = combine(x, four.y);
  let z = combine(y, four.z);
  return ${isInclusive ? "vec4(x, y, z, combine(z, four.w))" : "vec4(before, x, y, z)"};
}

@compute @workgroup_size(workgroup_size)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let first = workgroup.x * 4 * workgroup_size + local;
  let row0 = readFour(first);
  let row1 = readFour(first + workgroup_size);
  let row2 = readFour(first + 2 * workgroup_size);
  let row3 = readFour(first + 3 * workgroup_size);
  totalsOfFour[local] = combineFour(row0);
  totalsOfFour[local + workgroup_size] = combineFour(row1);
  totalsOfFour[local + 2 * workgroup_size] = combineFour(row2);
  totalsOfFour[local + 3 * workgroup_size] = combineFour(row3);
  workgroupBarrier();

  // From here on a thread works on four totals that follow each other.
  let four = vec4(
    totalsOfFour[4 * local],
    totalsOfFour[4 * local + 1],
    totalsOfFour[4 * local + 2],
    totalsOfFour[4 * local + 3],
  );
  var reached = combineFour(four);
  sums[local] = reached;
  workgroupBarrier();

  // Hillis and Steele, back and forth between two halves: after each step a thread's sum reaches twice as far back.
  var half = 0u;
  for (var reach = 1u; reach < workgroup_size; reach *= 2) {
    if (local >= reach) {
      reached = combine(sums[half + local - reach], reached);
    }
    half = workgroup_size - half;
    sums[half + local] = reached;
    workgroupBarrier();
  }

  var before = ${isTop ? "identity" : "offsets[workgroup.x]"};
  if (local > 0) {
    before = combine(before, sums[half + local - 1]);
  }
  totalsOfFour[4 * local] = before;
  before = combine(before, four.x);
  totalsOfFour[4 * local + 1] = before;
  before = combine(before, four.y);
  totalsOfFour[4 * local + 2] = before;
  before = combine(before, four.z);
  totalsOfFour[4 * local + 3] = before;
  workgroupBarrier();

  writeFour(first, scanFour(totalsOfFour[local], row0));
  writeFour(first + workgroup_size, scanFour(totalsOfFour[local + workgroup_size], row1));
  writeFour(first + 2 * workgroup_size, scanFour(totalsOfFour[local + 2 * workgroup_size], row2));
  writeFour(first + 3 * workgroup_size, scanFour(totalsOfFour[local + 3 * workgroup_size], row3));
}
`;
