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
  /** Whether storage is read and written by vec4; then k and n must be multiples of 4. */
  readonly isAligned: boolean;
}

/**
 * The product of two matrices by blocks. While a workgroup multiplies one pair of tiles, its threads load the next pair
 * into registers. Each value that a thread holds is a variable of its own and the loops over them are unrolled, because
 * drivers put indexed arrays into slow memory.
 */
export function matrixProductWgsl(blocks: MatrixProductBlocks): string {
  const { blockRows, blockColumns, blockInner, isAligned } = blocks;
  const threads = threadsOf(blocks);
  const element = isAligned ? "vec4f" : "f32";
  const loads = [...loadsOfA(blocks), ...loadsOfB(blocks)];
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
${isAligned ? alignedAccess : scalarAccess}
@compute @workgroup_size(${threads.down * threads.across})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let firstRow = workgroup.y * ${blockRows};
  let firstColumn = workgroup.x * ${blockColumns};
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
${lines(totals, ({ name, row, column }) => `writeC(firstRow + ${row}, firstColumn + ${column}, ${name});`)}
}
`;
}

// Elements beyond the edges are never written, so any value serves for them; terms beyond k must be zero.
const alignedAccess = /* wgsl */ `
fn readA(row: u32, term: u32) -> vec4f {
  var values = vec4f();
  if (term < dims.k) {
    values = a[(min(row, dims.m - 1) * dims.k + term) / 4];
  }
  return values;
}

fn readB(term: u32, column: u32) -> vec4f {
  var values = vec4f();
  if (term < dims.k) {
    values = b[(term * dims.n + min(column, dims.n - 4)) / 4];
  }
  return values;
}

fn writeC(row: u32, column: u32, values: vec4f) {
  if (row < dims.m && column < dims.n) {
    c[(row * dims.n + column) / 4] = values;
  }
}
`;

const scalarAccess = /* wgsl */ `
fn readA(row: u32, term: u32) -> vec4f {
  let i = min(row, dims.m - 1) * dims.k + term;
  var values = vec4f();
  if (term < dims.k) { values.x = a[i]; }
  if (term + 1 < dims.k) { values.y = a[i + 1]; }
  if (term + 2 < dims.k) { values.z = a[i + 2]; }
  if (term + 3 < dims.k) { values.w = a[i + 3]; }
  return values;
}

fn readB(term: u32, column: u32) -> vec4f {
  let columns = min(column + vec4u(0, 1, 2, 3), vec4u(dims.n - 1));
  var values = vec4f();
  if (term < dims.k) {
    let i = term * dims.n + columns;
    values = vec4f(b[i.x], b[i.y], b[i.z], b[i.w]);
  }
  return values;
}

fn writeC(row: u32, column: u32, values: vec4f) {
  if (row < dims.m) {
    let i = row * dims.n + column;
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
 * By squares of 4×4, which are transposed in registers. Of 32 threads, 8 go down and 4 along k: they read whole
 * sectors, and no two threads write to one memory bank.
 */
function loadsOfA(blocks: MatrixProductBlocks): TileLoad[] {
  const termsOfFour = blocks.blockInner / 4;
  return sharesOf(blocks, (blocks.blockRows / 4) * termsOfFour).map(({ unit, inUnits }, share) => {
    const [row, term] = [`aRow${share}`, `aTerm${share}`];
    const rows = upTo(4).map((i) => `nextA${share}_${i}`);
    return {
      declare: `
        let ${row} = (${unit} % 8 + ${unit} / ${8 * termsOfFour} * 8) * 4;
        let ${term} = ${unit} / 8 % ${termsOfFour} * 4;
        ${lines(rows, (name) => `var ${name} = vec4f();`)}`,
      load: inUnits(lines(rows, (name, i) => `${name} = readA(firstRow + ${row} + ${i}, begin + ${term});`)),
      store: inUnits(
        lines(
          [..."xyzw"],
          (x, i) => `tileA[${term} + ${i}][${row} / 4] = vec4f(${rows.map((name) => `${name}.${x}`)});`,
        ),
      ),
    };
  });
}

/** By four columns. */
function loadsOfB(blocks: MatrixProductBlocks): TileLoad[] {
  const columnsOfFour = blocks.blockColumns / 4;
  return sharesOf(blocks, columnsOfFour * blocks.blockInner).map(({ unit, inUnits }, share) => {
    const [column, term, values] = [`bColumn${share}`, `bTerm${share}`, `nextB${share}`];
    return {
      declare: `
        let ${column} = ${unit} % ${columnsOfFour} * 4;
        let ${term} = ${unit} / ${columnsOfFour};
        var ${values} = vec4f();`,
      load: inUnits(`${values} = readB(begin + ${term}, firstColumn + ${column});`),
      store: inUnits(`tileB[${term}][${column} / 4] = ${values};`),
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
