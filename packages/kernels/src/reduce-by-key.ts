import { defineKernel, type Kernel, type Output, temporary } from "@kiln-gpu/core";
import { isSame } from "./compaction.js";
import {
  alignment,
  arrayTypes,
  combineWgsl,
  type NumberArrays,
  type NumberType,
  type Operation,
  operationWgsl,
} from "./operation.js";
import {
  checkSameLength,
  chunksPerThread,
  divide,
  markPass,
  markPrograms,
  movePass,
  moveWgsl,
  selectionTemporaries,
} from "./selection.js";

const workgroupSize = 256;
/** What one workgroup reduces at a time: numbers that follow each other, in two vec4s for each thread. */
const blockLength = 8 * workgroupSize;

export interface ReduceByKeyDefinition<KeyType extends NumberType, Type extends NumberType> extends Operation<Type> {
  readonly label: string;
  readonly keyType: KeyType;
}

export type ReduceByKeyBindings<KeyType extends NumberType, Type extends NumberType> = {
  readonly keys: NumberArrays[KeyType];
  /** One for each key. */
  readonly values: NumberArrays[Type];
  /** Room for one key of each group, as many as `keys` in the worst case; what is beyond it is left out. */
  readonly groupKeys: Output<NumberArrays[KeyType]>;
  /** As long as `groupKeys`. */
  readonly results: Output<NumberArrays[Type]>;
  /** One element: the number of groups. */
  readonly count: Output<Uint32Array>;
};

/**
 * A kernel that combines the values of each group of equal keys that follow each other, in their order: all values of a
 * key, if the keys are sorted. `groupKeys` gets the key of each group and `results` the combination, from element 0 on;
 * elements from `count` on are not written. Float keys are compared as a `Set` compares them: -0 equals 0, and NaN
 * equals NaN; `groupKeys` has the first of them.
 *
 * The operation need not be commutative. Each workgroup takes a chunk of numbers: it marks where groups begin and
 * combines the values of the last of them; one workgroup scans the chunks; then each combines the groups of its chunk.
 */
export function defineReduceByKey<KeyType extends NumberType, Type extends NumberType>({
  label,
  keyType,
  ...operation
}: ReduceByKeyDefinition<KeyType, Type>): Kernel<ReduceByKeyBindings<KeyType, Type>> {
  const mark = { type: keyType, isMarked: "!isSame(value, previous)", seesPrevious: true };
  const type = arrayTypes[operation.type];
  return defineKernel<ReduceByKeyBindings<NumberType, NumberType>>({
    label,
    programs: {
      ...markPrograms(mark),
      "tails-aligned": { wgsl: tailsWgsl(operation, true) },
      "tails-unaligned": { wgsl: tailsWgsl(operation, false) },
      carry: { wgsl: carryWgsl(operation) },
      move: { wgsl: moveWgsl(keyType) },
      "reduce-aligned": { wgsl: reduceWgsl(operation, true) },
      "reduce-unaligned": { wgsl: reduceWgsl(operation, false) },
    },
    temporaries({ keys: { length } }) {
      const { chunks } = divide(length);
      return {
        ...selectionTemporaries(length),
        tails: temporary(type, chunks),
        carries: temporary(type, chunks),
      };
    },
    passes({ keys, values, groupKeys, results }) {
      checkSameLength(label, ["values", values], ["keys", keys]);
      checkSameLength(label, ["results", results], ["groupKeys", groupKeys]);
      const { length } = keys;
      const { tilesPerChunk, chunks } = divide(length);
      return [
        markPass(length, "keys"),
        { program: `tails-${alignment(length)}`, bindings: { tilesPerChunk }, workgroups: chunks },
        { program: "carry", workgroups: 1 },
        movePass(length, { values: "keys", kept: "groupKeys" }),
        { program: `reduce-${alignment(length)}`, bindings: { tilesPerChunk }, workgroups: chunks },
      ];
    },
  }) as Kernel<ReduceByKeyBindings<KeyType, Type>>;
}

/** What a kernel of `defineReduceByKey` leaves in the first `count` elements, with `combine` for its operation. */
export function reduceByKeyReference<Keys extends NumberArrays[NumberType], Values extends NumberArrays[NumberType]>(
  keys: Keys,
  values: Values,
  combine: (a: number, b: number) => number,
): { readonly groupKeys: Keys; readonly results: Values } {
  const groupKeys = keys.slice() as Keys;
  const results = values.slice() as Values;
  let count = 0;
  for (const [i, key] of keys.entries()) {
    if (i > 0 && isSame(key, keys[i - 1]!)) {
      results[count - 1] = combine(results[count - 1]!, values[i]!);
      continue;
    }
    groupKeys[count] = key;
    results[count] = values[i]!;
    count += 1;
  }
  return { groupKeys: groupKeys.slice(0, count) as Keys, results: results.slice(0, count) as Values };
}

/** The numbers of a chunk from its last mark on, or all of them without one, are combined in order. */
const tailsWgsl = (operation: Operation, isAligned: boolean) => /* wgsl */ `
${operationWgsl(operation, isAligned)}
@group(0) @binding(1) var<uniform> tilesPerChunk: u32;
@group(0) @binding(2) var<storage, read> marks: array<u32>;
@group(0) @binding(3) var<storage, read_write> tails: array<Number>;

var<workgroup> lastMarks: array<u32, ${workgroupSize}>;
var<workgroup> subtotals: array<Number, ${workgroupSize}>;

// Four neighbors, with the identity in place of those outside of the range.
fn readFourWithin(begin: u32, end: u32, i: u32) -> vec4<Number> {
  let places = 4 * i + vec4(0, 1, 2, 3);
  return select(vec4(identity), readFour(i), (places >= vec4(begin)) & (places < vec4(end)));
}

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let firstWord = workgroup.x * tilesPerChunk * ${workgroupSize};
  let endWord = min(firstWord + tilesPerChunk * ${workgroupSize}, arrayLength(&marks));
  var last = 32 * firstWord;
  for (var i = firstWord + local; i < endWord; i += ${workgroupSize}) {
    let word = marks[i];
    if (word != 0) {
      last = 32 * i + firstLeadingBit(word);
    }
  }
  lastMarks[local] = last;
  workgroupBarrier();
  for (var width = ${workgroupSize / 2}u; width > 0; width /= 2) {
    if (local < width) {
      lastMarks[local] = max(lastMarks[local], lastMarks[local + width]);
    }
    workgroupBarrier();
  }
  let begin = workgroupUniformLoad(&lastMarks[0]);
  let end = min(32 * endWord, ${isAligned ? "4 * arrayLength(&values)" : "arrayLength(&values)"});

  var total = identity;
  for (var block = begin / 4; 4 * block < end; block += ${4 * workgroupSize}) {
    let first = block + 4 * local;
    var subtotal = combineFour(readFourWithin(begin, end, first));
    subtotal = combine(subtotal, combineFour(readFourWithin(begin, end, first + 1)));
    subtotal = combine(subtotal, combineFour(readFourWithin(begin, end, first + 2)));
    subtotal = combine(subtotal, combineFour(readFourWithin(begin, end, first + 3)));
    subtotals[local] = subtotal;
    workgroupBarrier();
    for (var width = 1u; width < ${workgroupSize}; width *= 2) {
      if (local % (2 * width) == 0) {
        subtotals[local] = combine(subtotals[local], subtotals[local + width]);
      }
      workgroupBarrier();
    }
    total = combine(total, subtotals[0]);
    workgroupBarrier();
  }
  if (local == 0) {
    tails[workgroup.x] = total;
  }
}
`;

/**
 * Statements that scan pairs: how many groups begin, in `begun`, and the combination of the numbers since the last
 * beginning, in `reached`. Both get what all threads before this one have. By Hillis and Steele, back and forth between
 * two halves; the last is at `half`.
 */
const scanPairs = /* wgsl */ `
  var half = 0u;
  counts[local] = begun;
  sums[local] = reached;
  workgroupBarrier();
  for (var reach = 1u; reach < ${workgroupSize}; reach *= 2) {
    if (local >= reach) {
      let other = half + local - reach;
      if (begun == 0) {
        reached = combine(sums[other], reached);
      }
      begun += counts[other];
    }
    half = ${workgroupSize} - half;
    counts[half + local] = begun;
    sums[half + local] = reached;
    workgroupBarrier();
  }`;

const pairs = /* wgsl */ `
var<workgroup> counts: array<u32, ${2 * workgroupSize}>;
var<workgroup> sums: array<Number, ${2 * workgroupSize}>;
`;

/**
 * One workgroup gives each chunk the number of groups that begin before it, and what the last of them has reached there.
 */
const carryWgsl = (operation: Operation) => /* wgsl */ `
${combineWgsl(operation)}
@group(0) @binding(0) var<storage, read> chunkCounts: array<u32>;
@group(0) @binding(1) var<storage, read> tails: array<Number>;
@group(0) @binding(2) var<storage, read_write> chunkOffsets: array<u32>;
@group(0) @binding(3) var<storage, read_write> carries: array<Number>;
@group(0) @binding(4) var<storage, read_write> count: array<u32>;
${pairs}
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(local_invocation_index) local: u32) {
  let first = ${chunksPerThread} * local;
  let end = min(first + ${chunksPerThread}, arrayLength(&chunkCounts));
  var begun = 0u;
  var reached = identity;
  for (var i = first; i < end; i++) {
    if (chunkCounts[i] > 0) {
      reached = tails[i];
    } else {
      reached = combine(reached, tails[i]);
    }
    begun += chunkCounts[i];
  }
${scanPairs}
  var offset = 0u;
  var carry = identity;
  if (local > 0) {
    offset = counts[half + local - 1];
    carry = sums[half + local - 1];
  }
  for (var i = first; i < end; i++) {
    chunkOffsets[i] = offset;
    carries[i] = carry;
    if (chunkCounts[i] > 0) {
      carry = tails[i];
    } else {
      carry = combine(carry, tails[i]);
    }
    offset += chunkCounts[i];
  }
  if (local == ${workgroupSize - 1}) {
    count[0] = begun;
  }
}
`;

/**
 * Each thread combines numbers that follow each other, starting with what the threads before it have reached. A result
 * is complete where the next number begins a group. Results are gathered in workgroup memory and written side by side.
 */
const reduceWgsl = (operation: Operation, isAligned: boolean) => /* wgsl */ `
${operationWgsl(operation, isAligned)}
@group(0) @binding(1) var<uniform> tilesPerChunk: u32;
@group(0) @binding(2) var<storage, read> marks: array<u32>;
@group(0) @binding(3) var<storage, read> chunkOffsets: array<u32>;
@group(0) @binding(4) var<storage, read> carries: array<Number>;
@group(0) @binding(5) var<storage, read_write> results: array<Number>;
${pairs}
// The result of the group that is open before the block, then those of the groups that begin in it.
var<workgroup> complete: array<Number, ${blockLength + 1}>;

// Bit k says whether a group begins at number k of this eight.
fn beginningsOf(eight: u32) -> u32 {
  return (marks[eight / 4] >> (eight % 4 * 8)) & 0xff;
}

// Bit k says whether a group ends with number k of this eight.
fn endsOf(eight: u32, beginnings: u32, count: u32) -> u32 {
  let next = 8 * (eight + 1);
  var ends = beginnings >> 1;
  if (next < count) {
    ends |= (beginningsOf(eight + 1) & 1) << 7;
  } else if (8 * eight < count) {
    ends |= 1u << (count - 1 - 8 * eight);
  }
  return ends;
}

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let count = ${isAligned ? "4 * arrayLength(&values)" : "arrayLength(&values)"};
  let words = arrayLength(&marks);
  let end = min(min((workgroup.x + 1) * tilesPerChunk * ${workgroupSize}, words) * 32, count);
  var offset = chunkOffsets[workgroup.x];
  var carry = carries[workgroup.x];
  for (var block = workgroup.x * tilesPerChunk * ${32 * workgroupSize}; block < end; block += ${blockLength}) {
    let eight = block / 8 + local;
    let beginnings = beginningsOf(eight);
    let ends = endsOf(eight, beginnings, count);
    let lower = readFour(2 * eight);
    let upper = readFour(2 * eight + 1);
    var begun = countOneBits(beginnings);
    var reached = identity;
${perNumber((number, k) => `reached = combine(select(reached, identity, (beginnings & ${1 << k}) != 0), ${number});`)}
${scanPairs}
    var place = 0u;
    var running = identity;
    if (local > 0) {
      place = counts[half + local - 1];
      running = sums[half + local - 1];
    }
    if (place == 0) {
      running = combine(carry, running);
    }
${perNumber(
  (number, k) => `if ((beginnings & ${1 << k}) != 0) {
      running = ${number};
      place++;
    } else {
      running = combine(running, ${number});
    }
    if ((ends & ${1 << k}) != 0) { complete[place] = running; }`,
)}
    let begunInBlock = counts[half + ${workgroupSize - 1}];
    let lastReached = sums[half + ${workgroupSize - 1}];
    workgroupBarrier();

    // The group that is open before the block may have ended with it; the last group may go on.
    let next = block + ${blockLength};
    let isOpen = next < count && (beginningsOf(next / 8) & 1) == 0;
    let endOfComplete = begunInBlock + select(1u, 0u, isOpen);
    for (var i = local + (beginningsOf(block / 8) & 1); i < endOfComplete; i += ${workgroupSize}) {
      let to = offset + i - 1;
      if (to < arrayLength(&results)) {
        results[to] = complete[i];
      }
    }
    if (begunInBlock > 0) {
      carry = lastReached;
    } else {
      carry = combine(carry, lastReached);
    }
    offset += begunInBlock;
    workgroupBarrier();
  }
}
`;

/** A line for each number that a thread has in `lower` and `upper`. */
function perNumber(line: (number: string, k: number) => string): string {
  return ["lower", "upper"]
    .flatMap((half) => [..."xyzw"].map((component) => `${half}.${component}`))
    .map(line)
    .join("\n");
}
