/** How a product by subgroup matrices is divided; all numbers count elements. */
export interface SubgroupBlocks {
  /** The block of the product that one workgroup computes. */
  readonly blockRows: number;
  readonly blockColumns: number;
  /** How many terms of each sum one of the two pairs of tiles holds. */
  readonly blockInner: number;
  /** The part of the block that one subgroup computes. */
  readonly subgroupRows: number;
  readonly subgroupColumns: number;
}

/** The size of the matrices that a subgroup multiplies, in every direction. */
export const matrixSize = 16;
/** Threads of a subgroup. */
export const subgroupSize = 32;
/** Operands are read and stored eight at a time. */
const halvesPerVector = 8;
/** One vector after each row of a tile, so that rows begin in different memory banks. */
const padding = 1;

/**
 * The product of two f16 matrices whose dimensions are multiples of the blocks. The terms go through two pairs of tiles
 * by turns: while the subgroups multiply one pair, the threads load the other. The turns are written out, because tiles
 * that are chosen at run time are slower.
 */
export function subgroupProductWgsl(blocks: SubgroupBlocks): string {
  const { blockRows, blockColumns, blockInner, subgroupRows, subgroupColumns } = blocks;
  const across = blockColumns / subgroupColumns;
  const threads = (blockRows / subgroupRows) * across * subgroupSize;
  const results = upTo(subgroupRows / matrixSize).flatMap((i) =>
    upTo(subgroupColumns / matrixSize).map((j) => ({
      name: `c${i}_${j}`,
      row: i * matrixSize,
      column: j * matrixSize,
    })),
  );
  const { sizeA, sizeB } = sizes(blocks);
  return /* wgsl */ `
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

struct Dims {
  m: u32,
  k: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
// Eight f16 in each vector.
@group(0) @binding(1) var<storage, read> a: array<vec4u>;
@group(0) @binding(2) var<storage, read> b: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

var<workgroup> tileA: array<vec4u, ${2 * sizeA}>;
var<workgroup> tileB: array<vec4u, ${2 * sizeB}>;

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  let firstRow = workgroup.y * ${blockRows};
  let firstColumn = workgroup.x * ${blockColumns};
  let row = subgroup / ${across} * ${subgroupRows};
  let column = subgroup % ${across} * ${subgroupColumns};
${lines(results, ({ name }) => `var ${name}: subgroup_matrix_result<f32, ${matrixSize}, ${matrixSize}>;`)}

  {
    let begin = 0u;
${load(blocks, threads)}
${store(blocks, threads, 0)}
  }
  workgroupBarrier();
  for (var done = 0u; done < dims.k; done += ${2 * blockInner}) {
    {
      let begin = done + ${blockInner};
${load(blocks, threads)}
${multiply(blocks, 0)}
${store(blocks, threads, 1)}
    }
    workgroupBarrier();
    {
      // The last tiles are loaded once more than needed.
      let begin = min(done + ${2 * blockInner}, dims.k - ${blockInner});
${load(blocks, threads)}
${multiply(blocks, 1)}
${store(blocks, threads, 0)}
    }
    workgroupBarrier();
  }
${lines(
  results,
  (result) =>
    `subgroupMatrixStore<row_major>(&c, (firstRow + row + ${result.row}) * dims.n + firstColumn + column + ${result.column}, ${result.name}, dims.n);`,
)}
}
`;
}

/** From storage into registers, for the tiles that begin at the term `begin`. */
function load(blocks: SubgroupBlocks, threads: number): string {
  const { a, b } = shares(blocks, threads);
  return [
    lines(a, ({ name, row, vector }) => `let ${name} = a[(firstRow + ${row}) * (dims.k / 8) + begin / 8 + ${vector}];`),
    lines(
      b,
      ({ name, row, vector }) => `let ${name} = b[(begin + ${row}) * (dims.n / 8) + firstColumn / 8 + ${vector}];`,
    ),
  ].join("\n");
}

/** From registers into the tiles of a turn. */
function store(blocks: SubgroupBlocks, threads: number, turn: 0 | 1): string {
  const { a, b } = shares(blocks, threads);
  const { sizeA, sizeB, strideA, strideB } = sizes(blocks);
  return [
    lines(a, ({ name, row, vector }) => `tileA[${turn * sizeA} + ${row} * ${strideA} + ${vector}] = ${name};`),
    lines(b, ({ name, row, vector }) => `tileB[${turn * sizeB} + ${row} * ${strideB} + ${vector}] = ${name};`),
  ].join("\n");
}

/** Adds the products of the tiles of a turn. */
function multiply(blocks: SubgroupBlocks, turn: 0 | 1): string {
  const { sizeA, sizeB, strideA, strideB } = sizes(blocks);
  const rows = upTo(blocks.subgroupRows / matrixSize);
  const columns = upTo(blocks.subgroupColumns / matrixSize);
  const left = `subgroup_matrix_left<f16, ${matrixSize}, ${matrixSize}>`;
  const right = `subgroup_matrix_right<f16, ${matrixSize}, ${matrixSize}>`;
  return lines(upTo(blocks.blockInner / matrixSize), (step) => {
    const inA = (i: number) => `${turn * sizeA} + (row + ${i * matrixSize}) * ${strideA} + ${(step * matrixSize) / 8}`;
    const inB = (j: number) => `${turn * sizeB + step * matrixSize * strideB} + column / 8 + ${(j * matrixSize) / 8}`;
    return `{
${lines(rows, (i) => `let a${i} = subgroupMatrixLoad<${left}, row_major>(&tileA, ${inA(i)}, ${strideA});`)}
${lines(columns, (j) =>
  [
    `let b${j} = subgroupMatrixLoad<${right}, row_major>(&tileB, ${inB(j)}, ${strideB});`,
    ...rows.map((i) => `c${i}_${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, c${i}_${j});`),
  ].join("\n"),
)}
}`;
  });
}

/** Strides and sizes of one tile of each operand, in vectors. */
function sizes({ blockRows, blockColumns, blockInner }: SubgroupBlocks) {
  const strideA = blockInner / halvesPerVector + padding;
  const strideB = blockColumns / halvesPerVector + padding;
  return { strideA, strideB, sizeA: blockRows * strideA, sizeB: blockInner * strideB };
}

/** The vectors of each tile that one thread moves. */
function shares({ blockRows, blockColumns, blockInner }: SubgroupBlocks, threads: number) {
  const sharesOf = (operand: string, vectorsPerRow: number, count: number) =>
    upTo(count / threads).map((share) => ({
      name: `${operand}Next${share}`,
      row: `(local + ${share * threads}) / ${vectorsPerRow}`,
      vector: `(local + ${share * threads}) % ${vectorsPerRow}`,
    }));
  const [inA, inB] = [blockInner / halvesPerVector, blockColumns / halvesPerVector];
  return { a: sharesOf("a", inA, blockRows * inA), b: sharesOf("b", inB, blockInner * inB) };
}

function lines<T>(items: readonly T[], line: (item: T) => string): string {
  return items.map(line).join("\n");
}

/** The whole numbers below `count`. */
function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
