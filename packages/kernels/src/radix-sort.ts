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
import type { NumberArrays, NumberType } from "./operation.js";
import { scanPasses, scanPrograms, scanTemporaries } from "./scan.js";

/** What one workgroup sorts; its threads' counters of 16 digits fit in the memory of as many numbers. */
const workgroupSize = 256;
const keysPerThread = 8;
const tileLength = workgroupSize * keysPerThread;
const bitsPerDigit = 4;
const digits = 2 ** bitsPerDigit;
const digitsPerKey = 32 / bitsPerDigit;

export type RadixSortBindings<Type extends NumberType> = {
  readonly keys: NumberArrays[Type];
  /** As long as `keys`. */
  readonly sortedKeys: Output<NumberArrays[Type]>;
};

export type RadixSortPairsBindings<Type extends NumberType> = RadixSortBindings<Type> & {
  /** One for each key. */
  readonly values: Uint32Array;
  /** As long as `values`. */
  readonly sortedValues: Output<Uint32Array>;
};

/**
 * A kernel that sorts `keys` in ascending order: a stable radix sort, by 4 bits in each of 8 steps. In each step every
 * workgroup counts the digits of a tile of keys, a scan turns the counts into places, and every workgroup sorts its tile
 * by the digit and writes it there. Floats are sorted by their bits, as IEEE 754's totalOrder: -0 comes before 0, and
 * NaNs come last, or first if their sign is set. WGSL lets a device change the bits of NaNs and of subnormal numbers.
 */
export function defineRadixSort<Type extends NumberType>(label: string, type: Type): Kernel<RadixSortBindings<Type>> {
  return defineSort(label, type, false) as Kernel<RadixSortBindings<Type>>;
}

/** As `defineRadixSort`; it moves a value along with each key. */
export function defineRadixSortPairs<Type extends NumberType>(
  label: string,
  type: Type,
): Kernel<RadixSortPairsBindings<Type>> {
  return defineSort(label, type, true) as Kernel<RadixSortPairsBindings<Type>>;
}

function defineSort(label: string, type: NumberType, hasValues: boolean): Kernel<RadixSortBindings<NumberType>> {
  const programs: Record<string, Program> = scanPrograms({ type: "u32", combine: "a + b", identity: "0" }, false);
  for (const place of ["first", "middle", "last"] as const) {
    programs[`count-${place}`] = { wgsl: countWgsl(place === "first" ? type : "u32") };
    const [from, to] = [place === "first" ? type : "u32", place === "last" ? type : "u32"] as const;
    programs[`move-${place}`] = { wgsl: moveWgsl(from, to, hasValues) };
  }
  return defineKernel<RadixSortBindings<NumberType>>({
    label,
    programs,
    temporaries({ keys }, constants) {
      const { length } = keys;
      const countLength = digits * Math.ceil(length / tileLength);
      const temporaries: Record<string, Temporary> = {
        ...scanTemporaries("u32", countLength, constants),
        counts: temporary(Uint32Array, countLength),
        places: temporary(Uint32Array, countLength),
      };
      for (const half of ["even", "odd"]) {
        temporaries[`${half}Keys`] = temporary(Uint32Array, length);
        if (hasValues) temporaries[`${half}Values`] = temporary(Uint32Array, length);
      }
      return temporaries;
    },
    passes: ({ keys }, constants) =>
      Array.from({ length: digitsPerKey }, (_, step) => stepPasses(keys.length, step, hasValues, constants)).flat(),
  });
}

function stepPasses(length: number, step: number, hasValues: boolean, constants: Constants): Pass[] {
  const tiles = Math.ceil(length / tileLength);
  const place = step === 0 ? "first" : step === digitsPerKey - 1 ? "last" : "middle";
  const [read, written] = step % 2 === 0 ? ["odd", "even"] : ["even", "odd"];
  const names = {
    keys: place === "first" ? "keys" : `${read}Keys`,
    sortedKeys: place === "last" ? "sortedKeys" : `${written}Keys`,
    ...(hasValues && {
      values: place === "first" ? "values" : `${read}Values`,
      sortedValues: place === "last" ? "sortedValues" : `${written}Values`,
    }),
  };
  const shift = step * bitsPerDigit;
  return [
    { program: `count-${place}`, bindings: { shift, keys: names.keys, counts: "counts" }, workgroups: tiles },
    ...scanPasses({ length: digits * tiles, values: "counts", prefixes: "places" }, constants),
    { program: `move-${place}`, bindings: { shift, ...names, places: "places" }, workgroups: tiles },
  ];
}

/** Turns a number into bits whose order as unsigned numbers is the order of the numbers, and back. */
const orderedBits: { readonly [type in NumberType]: { readonly encode: string; readonly decode: string } } = {
  u32: { encode: "value", decode: "bits" },
  i32: { encode: "bitcast<u32>(value) ^ 0x80000000u", decode: "bitcast<i32>(bits ^ 0x80000000u)" },
  f32: {
    encode: "bitcast<u32>(value) ^ select(0x80000000u, 0xffffffffu, bitcast<i32>(value) < 0)",
    decode: "bitcast<f32>(bits ^ select(0xffffffffu, 0x80000000u, bitcast<i32>(bits) < 0))",
  },
};

const declarations = (from: NumberType) => /* wgsl */ `
@group(0) @binding(0) var<uniform> shift: u32;
@group(0) @binding(1) var<storage, read> keys: array<${from}>;

fn encode(value: ${from}) -> u32 {
  return ${orderedBits[from].encode};
}

fn digitOf(bits: u32) -> u32 {
  return (bits >> shift) & ${digits - 1};
}
`;

/** Counts are stored digit by digit, so that a scan over all of them gives each tile's places for each digit. */
const countWgsl = (from: NumberType) => /* wgsl */ `
${declarations(from)}
@group(0) @binding(2) var<storage, read_write> counts: array<u32>;

// 32 counters for each digit, so that threads that run together do not compete for one.
var<workgroup> counters: array<atomic<u32>, ${32 * digits}>;

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
) {
  let count = arrayLength(&keys);
  let first = workgroup.x * ${tileLength};
  for (var i = first + local; i < min(first + ${tileLength}, count); i += ${workgroupSize}) {
    atomicAdd(&counters[32 * digitOf(encode(keys[i])) + local % 32], 1);
  }
  workgroupBarrier();

  if (local < ${digits}) {
    var total = 0u;
    for (var i = 0u; i < 32; i++) {
      // Each thread begins in another memory bank.
      total += atomicLoad(&counters[32 * local + (i + local) % 32]);
    }
    counts[local * workgroups.x + workgroup.x] = total;
  }
}
`;

/**
 * Each thread takes keys that follow each other and counts their digits in counters of its own, two in one number:
 * digits 0 to 7 in the lower half, 8 to 15 in the upper half. A scan of all counters, digit by digit and thread by
 * thread, then gives each key its place in the sorted tile. Keys beyond the end get the highest digit and come last.
 */
const moveWgsl = (from: NumberType, to: NumberType, hasValues: boolean) => /* wgsl */ `
${declarations(from)}
@group(0) @binding(2) var<storage, read_write> sortedKeys: array<${to}>;
@group(0) @binding(3) var<storage, read> places: array<u32>;
${
  hasValues
    ? `@group(0) @binding(4) var<storage, read> values: array<u32>;
@group(0) @binding(5) var<storage, read_write> sortedValues: array<u32>;`
    : ""
}
// The counters; later the sorted keys, then their values.
var<workgroup> tile: array<u32, ${tileLength}>;
var<workgroup> sums: array<u32, ${2 * workgroupSize}>;
// For each digit, the place in the whole array of the tile's place 0.
var<workgroup> shifts: array<u32, ${digits}>;

fn decode(bits: u32) -> ${to} {
  return ${orderedBits[to].decode};
}

fn place(digit: u32, local: u32) -> u32 {
  return (digit & 7) * ${workgroupSize} + local;
}

fn half(digit: u32) -> u32 {
  return (digit >> 3) * 16;
}

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
) {
  let first = workgroup.x * ${tileLength};
  let count = min(arrayLength(&keys) - first, ${tileLength});

${perKey((k) => `let key${k} = readKey(first, ${keysPerThread} * local + ${k}, count);`)}
${hasValues ? perKey((k) => `let value${k} = values[first + min(${keysPerThread} * local + ${k}, count - 1)];`) : ""}
  for (var i = local; i < ${tileLength}; i += ${workgroupSize}) {
    tile[i] = 0;
  }
  workgroupBarrier();

  // How many of this thread's earlier keys have the same digit.
${perKey(
  (k) => `let digit${k} = select(${digits - 1}u, digitOf(key${k}), ${keysPerThread} * local + ${k} < count);
  let counter${k} = place(digit${k}, local);
  let earlier${k} = (tile[counter${k}] >> half(digit${k})) & 0xffff;
  tile[counter${k}] += 1u << half(digit${k});`,
)}
  workgroupBarrier();

  // Each thread scans eight counters; both halves of a number are added at once.
  var subtotal = 0u;
${perKey((k) => `let scanned${k} = subtotal; subtotal += tile[${keysPerThread} * local + ${k}];`)}
  sums[local] = subtotal;
  workgroupBarrier();
  var buffer = 0u;
  var reached = subtotal;
  for (var reach = 1u; reach < ${workgroupSize}; reach *= 2) {
    if (local >= reach) {
      reached += sums[buffer + local - reach];
    }
    buffer = ${workgroupSize} - buffer;
    sums[buffer + local] = reached;
    workgroupBarrier();
  }
  // Digits of the upper half come after all of the lower half.
  let before = reached - subtotal + ((sums[buffer + ${workgroupSize - 1}] & 0xffff) << 16);
${perKey((k) => `tile[${keysPerThread} * local + ${k}] = before + scanned${k};`)}
  workgroupBarrier();

${perKey((k) => `let target${k} = ((tile[counter${k}] >> half(digit${k})) & 0xffff) + earlier${k};`)}
  if (local < ${digits}) {
    let start = (tile[place(local, 0)] >> half(local)) & 0xffff;
    shifts[local] = places[local * workgroups.x + workgroup.x] - start;
  }
  workgroupBarrier();

${perKey((k) => `tile[target${k}] = key${k};`)}
  workgroupBarrier();
${perKey((k) => writeKey(k))}
${
  hasValues
    ? `
  workgroupBarrier();
${perKey((k) => `tile[target${k}] = value${k};`)}
  workgroupBarrier();
${perKey((k) => `if (sorted${k} < count) { sortedValues[to${k}] = tile[sorted${k}]; }`)}`
    : ""
}
}

fn readKey(first: u32, i: u32, count: u32) -> u32 {
  var bits = 0xffffffffu;
  if (i < count) {
    bits = encode(keys[first + i]);
  }
  return bits;
}
`;

/** Neighboring threads write neighboring keys of the sorted tile. */
function writeKey(k: number): string {
  return `
  let sorted${k} = local + ${k * workgroupSize};
  let bits${k} = tile[sorted${k}];
  let to${k} = shifts[digitOf(bits${k})] + sorted${k};
  if (sorted${k} < count) { sortedKeys[to${k}] = decode(bits${k}); }`;
}

function perKey(line: (k: number) => string): string {
  return Array.from({ length: keysPerThread }, (_, k) => line(k)).join("\n");
}
