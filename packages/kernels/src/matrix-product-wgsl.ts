/** How a matrix product is divided; all numbers count elements. */
export interface MatrixProductBlocks {
  /** The block of the product that one workgroup computes: multiples of 32. */
  readonly blockRows: number;
  readonly blockColumns: number;
  /** How many terms of each sum are in workgroup memory at a time: a multiple of 4. */
  readonly blockInner: number;
  /**
   * The part of the block that one thread holds in registers: multiples of 4, such that the threads of a block number a
   * multiple of 4 down and a multiple of 8 across.
   */
  readonly threadRows: number;
  readonly threadColumns: number;
  /** Whether storage is read and written by vec4; then the rows of every matrix must be whole vec4s. */
  readonly isAligned: boolean;
}

/** How the matrices lie in memory. */
export interface MatrixLayout {
  /** Whether a is stored as k×m. */
  readonly isATransposed: boolean;
  /** Whether b is stored as n×k. */
  readonly isBTransposed: boolean;
  /** Whether several products are computed, one for each workgroup in z; their matrices follow each other. */
  readonly isBatched: boolean;
}

/**
 * The product of two matrices by blocks. While a workgroup multiplies one pair of tiles, its threads load the next pair
 * into registers. Each value that a thread holds is a variable of its own and the loops over them are unrolled, because
 * drivers put indexed arrays into slow memory.
 */
export function matrixProductWgsl(blocks: MatrixProductBlocks, layout: MatrixLayout): string {
  const { blockRows, blockColumns, blockInner, isAligned } = blocks;
  const { isATransposed, isBTransposed, isBatched } = layout;
  const threads = threadsOf(blocks);
  const element = isAligned ? "vec4f" : "f32";
  const sides = [
    { operand: { name: "A", lines: "m", first: "firstRow", blockLines: blockRows }, hasTermsInRows: !isATransposed },
    {
      operand: { name: "B", lines: "n", first: "firstColumn", blockLines: blockColumns },
      hasTermsInRows: isBTransposed,
    },
  ] as const;
  const loads = sides.flatMap(({ operand, hasTermsInRows }) =>
    hasTermsInRows ? loadsOfTerms(blocks, operand) : loadsOfLines(blocks, operand),
  );
  const baseOf = (rows: string, columns: string) => (isBatched ? `workgroup.z * dims.${rows} * dims.${columns}` : "0u");
  const totals = totalsOf(blocks);
  return /* wgsl */ `
struct Dims {
  m: u32,
  k: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<${element}>;
@group(0) @binding(2) var<storage, read> b: array<${element}>;
@group(0) @binding(3) var<storage, read_write> c: array<${element}>;

// For each term, the elements of four rows or columns together.
var<workgroup> tileA: array<array<vec4f, ${blockRows / 4}>, ${blockInner}>;
var<workgroup> tileB: array<array<vec4f, ${blockColumns / 4}>, ${blockInner}>;
${lines(sides, ({ operand, hasTermsInRows }) => (hasTermsInRows ? readTerms : readLines)(operand, isAligned))}
${isAligned ? alignedWrite : scalarWrite}
@compute @workgroup_size(${threads.down * threads.across})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let firstRow = workgroup.y * ${blockRows};
  let firstColumn = workgroup.x * ${blockColumns};
  let baseA = ${baseOf("m", "k")};
  let baseB = ${baseOf("k", "n")};
  let baseC = ${baseOf("m", "n")};
  // 32 threads run together: 8 across and 4 down is nearly square, so that they read the fewest elements of the tiles.
  let across = local % 8 + local / 32 % ${threads.across / 8} * 8;
  let down = local / 8 % 4 + local / ${4 * threads.across} * 4;

${lines(totals, ({ name }) => `var ${name} = vec4f();`)}
${lines(loads, ({ declare }) => declare)}
  var begin = 0u;
${lines(loads, ({ load }) => load)}
  while (begin < dims.k) {
${lines(loads, ({ store }) => store)}
    workgroupBarrier();
    begin += ${blockInner};
${lines(loads, ({ load }) => load)}
${lines(upTo(blockInner), (term) => addTerm(blocks, term))}
    workgroupBarrier();
  }
${lines(totals, ({ name, row, column }) => `writeC(baseC, firstRow + ${row}, firstColumn + ${column}, ${name});`)}
}
`;
}

/** One of the factors. Its lines are the rows of a or the columns of b, and each line has k terms. */
interface Operand {
  readonly name: "A" | "B";
  /** The dimension that counts them. */
  readonly lines: "m" | "n";
  /** The variable for the first line of the block. */
  readonly first: string;
  readonly blockLines: number;
}

// Elements beyond the edges are never written, so any value serves for them; terms beyond k must be zero.

/** Reads four terms of a line, of a factor whose rows in memory are lines. */
const readTerms = ({ name, lines }: Operand, isAligned: boolean) => /* wgsl */ `
fn read${name}(base: u32, line: u32, term: u32) -> vec4f {
  let i = base + min(line, dims.${lines} - 1) * dims.k + term;
  var values = vec4f();
${
  isAligned
    ? `if (term < dims.k) { values = ${name.toLowerCase()}[i / 4]; }`
    : [..."xyzw"]
        .map((x, k) => `if (term + ${k} < dims.k) { values.${x} = ${name.toLowerCase()}[i + ${k}]; }`)
        .join("\n")
}
  return values;
}
`;

/** Reads one term of four lines, of a factor whose columns in memory are lines. */
const readLines = ({ name, lines }: Operand, isAligned: boolean) => /* wgsl */ `
fn read${name}(base: u32, line: u32, term: u32) -> vec4f {
  var values = vec4f();
  if (term < dims.k) {
${
  isAligned
    ? `values = ${name.toLowerCase()}[(base + term * dims.${lines} + min(line, dims.${lines} - 4)) / 4];`
    : `let i = base + term * dims.${lines} + min(line + vec4u(0, 1, 2, 3), vec4u(dims.${lines} - 1));
    values = vec4f(${[..."xyzw"].map((x) => `${name.toLowerCase()}[i.${x}]`).join(", ")});`
}
  }
  return values;
}
`;

const alignedWrite = /* wgsl */ `
fn writeC(base: u32, row: u32, column: u32, values: vec4f) {
  if (row < dims.m && column < dims.n) {
    c[(base + row * dims.n + column) / 4] = values;
  }
}
`;

const scalarWrite = /* wgsl */ `
fn writeC(base: u32, row: u32, column: u32, values: vec4f) {
  if (row < dims.m) {
    let i = base + row * dims.n + column;
    if (column < dims.n) { c[i] = values.x; }
    if (column + 1 < dims.n) { c[i + 1] = values.y; }
    if (column + 2 < dims.n) { c[i + 2] = values.z; }
    if (column + 3 < dims.n) { c[i + 3] = values.w; }
  }
}
`;

/** A thread's share in filling a tile: from storage into registers, and from there into workgroup memory. */
interface TileLoad {
  readonly declare: string;
  readonly load: string;
  readonly store: string;
}

/**
 * By squares of 4×4, which are transposed in registers. Of 32 threads, 8 go along the lines and 4 along k: they read
 * whole sectors, and no two threads write to one memory bank.
 */
function loadsOfTerms(blocks: MatrixProductBlocks, { name, first, blockLines }: Operand): TileLoad[] {
  const termsOfFour = blocks.blockInner / 4;
  return sharesOf(blocks, (blockLines / 4) * termsOfFour).map(({ unit, inUnits }, share) => {
    const [line, term] = [`line${name}${share}`, `term${name}${share}`];
    const four = upTo(4).map((i) => `next${name}${share}_${i}`);
    return {
      declare: `
        let ${line} = (${unit} % 8 + ${unit} / ${8 * termsOfFour} * 8) * 4;
        let ${term} = ${unit} / 8 % ${termsOfFour} * 4;
        ${lines(four, (next) => `var ${next} = vec4f();`)}`,
      load: inUnits(
        lines(four, (next, i) => `${next} = read${name}(base${name}, ${first} + ${line} + ${i}, begin + ${term});`),
      ),
      store: inUnits(
        lines(
          [..."xyzw"],
          (x, i) => `tile${name}[${term} + ${i}][${line} / 4] = vec4f(${four.map((next) => `${next}.${x}`)});`,
        ),
      ),
    };
  });
}

/** By four lines. */
function loadsOfLines(blocks: MatrixProductBlocks, { name, first, blockLines }: Operand): TileLoad[] {
  const linesOfFour = blockLines / 4;
  return sharesOf(blocks, linesOfFour * blocks.blockInner).map(({ unit, inUnits }, share) => {
    const [line, term, values] = [`line${name}${share}`, `term${name}${share}`, `next${name}${share}`];
    return {
      declare: `
        let ${line} = ${unit} % ${linesOfFour} * 4;
        let ${term} = ${unit} / ${linesOfFour};
        var ${values} = vec4f();`,
      load: inUnits(`${values} = read${name}(base${name}, ${first} + ${line}, begin + ${term});`),
      store: inUnits(`tile${name}[${term}][${line} / 4] = ${values};`),
    };
  });
}

/** Deals `count` units of work out to the threads of a workgroup, one per thread and share. */
function sharesOf(blocks: MatrixProductBlocks, count: number) {
  const { down, across } = threadsOf(blocks);
  const threads = down * across;
  return upTo(Math.ceil(count / threads)).map((share) => ({
    unit: `(local + ${share * threads})`,
    /** `statements`, executed only by threads that have a unit in this share. */
    inUnits: (statements: string) =>
      (share + 1) * threads <= count ? statements : `if (local < ${count - share * threads}) { ${statements} }`,
  }));
}

/** The sums of a thread, four columns per variable, and where in the block they start. */
function totalsOf(blocks: MatrixProductBlocks) {
  // Each thread has four rows or columns, its neighbor the next four, so that neighbors touch neighboring memory.
  const { down, across } = threadsOf(blocks);
  return upTo(blocks.threadRows).flatMap((i) =>
    upTo(blocks.threadColumns / 4).map((j) => ({
      name: `total${i}_${j}`,
      row: `(down + ${Math.floor(i / 4) * down}) * 4 + ${i % 4}`,
      column: `(across + ${j * across}) * 4`,
    })),
  );
}

/** Adds the products of one term to all of a thread's sums. */
function addTerm(blocks: MatrixProductBlocks, term: number): string {
  const { down, across } = threadsOf(blocks);
  const columns = upTo(blocks.threadColumns / 4);
  return `{
    ${lines(upTo(blocks.threadRows / 4), (i) => `let a${i} = tileA[${term}][down + ${i * down}];`)}
    ${lines(columns, (j) => `let b${j} = tileB[${term}][across + ${j * across}];`)}
    ${lines(upTo(blocks.threadRows), (i) => lines(columns, (j) => `total${i}_${j} += a${Math.floor(i / 4)}.${"xyzw"[i % 4]} * b${j};`))}
  }`;
}

/** How many threads a block has in each direction. */
function threadsOf({ blockRows, blockColumns, threadRows, threadColumns }: MatrixProductBlocks) {
  return { down: blockRows / threadRows, across: blockColumns / threadColumns };
}

function lines<T>(items: readonly T[], line: (item: T, index: number) => string): string {
  return items.map(line).join("\n");
}

/** The whole numbers below `count`. */
function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
