/**
 * Marks of values, one bit each, and the passes that move marked values together. Each workgroup takes a chunk of
 * consecutive tiles: it first counts their marks and, once one workgroup has scanned the counts of all chunks, moves
 * their values. No workgroup waits for another.
 */
import { ComputeError, type Pass, type Program, type Temporary, temporary } from "@kiln-gpu/core";
import { alignment, type NumberType } from "./operation.js";

const workgroupSize = 256;
/** A tile has one word of marks for each thread. */
const tileLength = 32 * workgroupSize;
/** About what the largest GPUs run at once, and few enough for one workgroup to scan their counts. */
const maxChunks = 1024;
export const chunksPerThread = maxChunks / workgroupSize;

export interface Division {
  readonly tiles: number;
  readonly tilesPerChunk: number;
  readonly chunks: number;
}

export function divide(length: number): Division {
  const tiles = Math.ceil(length / tileLength);
  const tilesPerChunk = Math.ceil(tiles / maxChunks);
  return { tiles, tilesPerChunk, chunks: Math.ceil(tiles / tilesPerChunk) };
}

export interface MarkDefinition {
  /** The type of what is tested. */
  readonly type: NumberType;
  /** A WGSL expression of `value` and, if `seesPrevious`, of `previous`, the value before it. */
  readonly isMarked: string;
  /** Whether values are compared with those before them. The first value is marked then. */
  readonly seesPrevious?: boolean;
}

/** The programs that mark values and move the marked ones of `type` together. */
export function selectionPrograms(mark: MarkDefinition, type: NumberType): Record<string, Program> {
  return { ...markPrograms(mark), scan: { wgsl: scanWgsl }, move: { wgsl: moveWgsl(type) } };
}

export function markPrograms(mark: MarkDefinition): Record<string, Program> {
  return { "mark-aligned": { wgsl: markWgsl(mark, true) }, "mark-unaligned": { wgsl: markWgsl(mark, false) } };
}

export function selectionTemporaries(length: number): Record<string, Temporary> {
  const { tiles, chunks } = divide(length);
  return {
    marks: temporary(Uint32Array, tiles * workgroupSize),
    chunkCounts: temporary(Uint32Array, chunks),
    chunkOffsets: temporary(Uint32Array, chunks),
  };
}

/** The names of bindings of these passes: the `tested` numbers, the `values` to move and where the `kept` ones go. */
export interface SelectionNames {
  readonly tested: string;
  readonly values: string;
  readonly kept: string;
}

export function selectionPasses(length: number, { tested, values, kept }: SelectionNames): Pass[] {
  return [markPass(length, tested), { program: "scan", workgroups: 1 }, movePass(length, { values, kept })];
}

export function markPass(length: number, tested: string): Pass {
  const { tilesPerChunk, chunks } = divide(length);
  return { program: `mark-${alignment(length)}`, bindings: { tilesPerChunk, tested }, workgroups: chunks };
}

export function movePass(length: number, { values, kept }: Pick<SelectionNames, "values" | "kept">): Pass {
  const { tilesPerChunk, chunks } = divide(length);
  return { program: "move", bindings: { tilesPerChunk, values, kept }, workgroups: chunks };
}

/** @throws {ComputeError} `invalid-binding` if an array is not as long as another. */
export function checkSameLength(
  label: string,
  [name, { length }]: readonly [string, { readonly length: number }],
  [otherName, other]: readonly [string, { readonly length: number }],
): void {
  if (length === other.length) return;
  throw new ComputeError(
    "invalid-binding",
    `Kernel "${label}": "${name}" must have as many elements as "${otherName}", ${other.length}; got ${length}.`,
  );
}

/**
 * Declares `isSame`, which compares two numbers as a `Set` does: 0 is -0, and a NaN is any other NaN. It has no `||`,
 * because a software GPU takes minutes to compile the many branches that come of it.
 */
function isSameWgsl(type: NumberType): string {
  const comparison =
    type === "f32"
      ? `let x = bitcast<u32>(a);
  let y = bitcast<u32>(b);
  return (x == y) | (((x | y) << 1) == 0) | (min(x & 0x7fffffff, y & 0x7fffffff) > 0x7f800000);`
      : "return a == b;";
  return /* wgsl */ `
fn isSame(a: ${type}, b: ${type}) -> bool {
  ${comparison}
}
`;
}

/**
 * Each thread tests vec4s that are a row apart, and leaves the four marks of each in workgroup memory. Then it gathers
 * the 32 marks of one word.
 */
const markWgsl = ({ type, isMarked, seesPrevious = false }: MarkDefinition, isAligned: boolean) => /* wgsl */ `
@group(0) @binding(0) var<uniform> tilesPerChunk: u32;
@group(0) @binding(1) var<storage, read> tested: array<${isAligned ? `vec4<${type}>` : type}>;
@group(0) @binding(2) var<storage, read_write> marks: array<u32>;
@group(0) @binding(3) var<storage, read_write> chunkCounts: array<u32>;

// The first fours of all words, the second fours, and so on. The padding of four keeps threads off each other's banks.
var<workgroup> fours: array<u32, ${8 * (workgroupSize + 4)}>;
var<workgroup> subtotals: array<u32, ${workgroupSize}>;
${isSameWgsl(type)}
fn isMarked(value: ${type}, previous: ${type}) -> bool {
  return ${isMarked};
}

fn marksOf(four: vec4<${type}>, previous: ${type}) -> vec4<bool> {
  return vec4(
    isMarked(four.x, previous),
    isMarked(four.y, four.x),
    isMarked(four.z, four.y),
    isMarked(four.w, four.z),
  );
}

// Bit by bit the marks of four neighbors; those beyond the end have none.
fn marksOfFour(i: u32) -> u32 {
  let count = arrayLength(&tested);
${
  isAligned
    ? `let four = tested[min(i, count - 1)];
  let previous = ${seesPrevious ? "tested[min(max(i, 1) - 1, count - 1)].w" : "four.x"};
  let isThere = vec4(i < count);`
    : `let places = 4 * i + vec4(0, 1, 2, 3);
  let safe = min(places, vec4(count - 1));
  let four = vec4(tested[safe.x], tested[safe.y], tested[safe.z], tested[safe.w]);
  let previous = ${seesPrevious ? "tested[max(safe.x, 1) - 1]" : "four.x"};
  let isThere = places < vec4(count);`
}
  var found = marksOf(four, previous);
${seesPrevious ? "found.x = found.x | (i == 0);" : ""}
  let bits = select(vec4<u32>(), vec4(1u, 2, 4, 8), found & isThere);
  return bits.x | bits.y | bits.z | bits.w;
}

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let end = min((workgroup.x + 1) * tilesPerChunk, arrayLength(&marks) / ${workgroupSize});
  var total = 0u;
  for (var tile = workgroup.x * tilesPerChunk; tile < end; tile++) {
    for (var row = 0u; row < 8; row++) {
      let four = marksOfFour(tile * ${tileLength / 4} + row * ${workgroupSize} + local);
      fours[local % 8 * ${workgroupSize + 4} + row * ${workgroupSize / 8} + local / 8] = four;
    }
    workgroupBarrier();
    let word = ${Array.from({ length: 8 }, (_, i) => `(fours[local + ${i * (workgroupSize + 4)}] << ${4 * i})`).join(" | ")};
    marks[tile * ${workgroupSize} + local] = word;
    total += countOneBits(word);
    workgroupBarrier();
  }

  subtotals[local] = total;
  workgroupBarrier();
  for (var width = ${workgroupSize / 2}u; width > 0; width /= 2) {
    if (local < width) {
      subtotals[local] += subtotals[local + width];
    }
    workgroupBarrier();
  }
  if (local == 0) {
    chunkCounts[workgroup.x] = subtotals[0];
  }
}
`;

/** One workgroup gives each chunk its place among the marked values, and counts these. */
const scanWgsl = /* wgsl */ `
@group(0) @binding(0) var<storage, read> chunkCounts: array<u32>;
@group(0) @binding(1) var<storage, read_write> chunkOffsets: array<u32>;
@group(0) @binding(2) var<storage, read_write> count: array<u32>;

var<workgroup> sums: array<u32, ${2 * workgroupSize}>;

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(local_invocation_index) local: u32) {
  let chunks = arrayLength(&chunkCounts);
  var subtotal = 0u;
  for (var i = ${chunksPerThread} * local; i < min(${chunksPerThread} * (local + 1), chunks); i++) {
    subtotal += chunkCounts[i];
  }
${scanSums("subtotal")}
  var offset = reached - subtotal;
  for (var i = ${chunksPerThread} * local; i < min(${chunksPerThread} * (local + 1), chunks); i++) {
    chunkOffsets[i] = offset;
    offset += chunkCounts[i];
  }
  if (local == ${workgroupSize - 1}) {
    count[0] = reached;
  }
}
`;

/** A thread reads a value of each row. The values of a row that have one word of marks are written side by side. */
export const moveWgsl = (type: NumberType) => /* wgsl */ `
@group(0) @binding(0) var<uniform> tilesPerChunk: u32;
@group(0) @binding(1) var<storage, read> values: array<${type}>;
@group(0) @binding(2) var<storage, read> marks: array<u32>;
@group(0) @binding(3) var<storage, read> chunkOffsets: array<u32>;
@group(0) @binding(4) var<storage, read_write> kept: array<${type}>;

var<workgroup> sums: array<u32, ${2 * workgroupSize}>;
var<workgroup> words: array<u32, ${workgroupSize}>;
// For each word, where its first marked value goes.
var<workgroup> places: array<u32, ${workgroupSize}>;

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let end = min((workgroup.x + 1) * tilesPerChunk, arrayLength(&marks) / ${workgroupSize});
  var offset = chunkOffsets[workgroup.x];
  let bit = 1u << (local % 32);
  for (var tile = workgroup.x * tilesPerChunk; tile < end; tile++) {
    let word = marks[tile * ${workgroupSize} + local];
    let found = countOneBits(word);
${scanSums("found")}
    words[local] = word;
    places[local] = offset + reached - found;
    offset += sums[half + ${workgroupSize - 1}];
    workgroupBarrier();

    let first = tile * ${tileLength} + local;
    for (var row = 0u; row < 32; row += 4) {
${perRow(
  4,
  (row) => `let word${row} = words[(row + ${row}) * 8 + local / 32];
      var value${row} = ${type}();
      if ((word${row} & bit) != 0) { value${row} = values[first + (row + ${row}) * ${workgroupSize}]; }`,
)}
${perRow(
  4,
  (row) => `let place${row} = places[(row + ${row}) * 8 + local / 32] + countOneBits(word${row} & (bit - 1));
      if ((word${row} & bit) != 0 && place${row} < arrayLength(&kept)) { kept[place${row}] = value${row}; }`,
)}
    }
    workgroupBarrier();
  }
}
`;

/**
 * Statements for a workgroup that has `sums` of twice its threads: `reached` becomes the sum of this thread's number and
 * those of all threads before it. By Hillis and Steele, back and forth between two halves; the last is at `half`.
 */
function scanSums(own: string): string {
  return /* wgsl */ `
  var reached = ${own};
  var half = 0u;
  sums[local] = reached;
  workgroupBarrier();
  for (var reach = 1u; reach < ${workgroupSize}; reach *= 2) {
    if (local >= reach) {
      reached += sums[half + local - reach];
    }
    half = ${workgroupSize} - half;
    sums[half + local] = reached;
    workgroupBarrier();
  }`;
}

function perRow(count: number, line: (row: number) => string): string {
  return Array.from({ length: count }, (_, row) => line(row)).join("\n");
}
