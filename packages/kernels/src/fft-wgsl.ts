const workgroupSize = 256;
const numbersPerThread = 8;
/** The complex numbers that a workgroup transforms: 16 KiB, the workgroup memory that every WebGPU device has. */
export const tileLength = numbersPerThread * workgroupSize;

export interface FftPass {
  /** Complex numbers in one whole transform. */
  readonly length: number;
  /** Complex numbers in a column, which this pass transforms: a power of two, at most `tileLength`. */
  readonly radix: number;
  /** The product of the radices of all passes before. */
  readonly stride: number;
  readonly isInverse: boolean;
}

/**
 * One pass of Stockham's algorithm over the columns of all transforms: column j of a transform has its numbers
 * j + k · length / radix. A workgroup transforms as many columns as fit its memory, by steps of radix 2, 4 or 8; each
 * thread has eight numbers in registers. The first step reads from storage, and the last writes there.
 */
export function fftWgsl({ length, radix, stride, isInverse }: FftPass): string {
  const columns = tileLength / radix;
  const columnsPerTransform = length / radix;
  const isWhole = columnsPerTransform === 1;
  const isLast = stride * radix === length;
  const steps = stepsOf(radix);
  // The results of a first pass lie column by column; those of others are as far apart as the columns.
  const isTransposed = stride === 1 && !isWhole;
  let innerStride = 1;
  const text = steps.map((step, s) => {
    const isFirstStep = s === 0;
    const isLastStep = s === steps.length - 1;
    const count = radix / step;
    const units = upTo(numbersPerThread / step);
    const parts = units.map((u) => {
      const unit = `(local + ${u * workgroupSize})`;
      const [column, j] = isWhole
        ? [`${unit} / ${count}`, `${unit} % ${count}`]
        : [`${unit} % ${columns}`, `${unit} / ${columns}`];
      const names = upTo(step).map((r) => `v${u}_${r}`);
      const inner = innerStride;
      const twiddled = names.map((_, r) => (r === 0 ? "1" : `w${u}_${r}`));
      const read = lines(names, (name, r) =>
        isFirstStep
          ? `var ${name} = readNumber(firstColumn + c${u}, j${u} + ${r * count});`
          : `var ${name} = tile[swizzle(placeOf(c${u}, j${u} + ${r * count}))];`,
      );
      const isOuterTwiddled = isFirstStep && stride > 1;
      // The factors of a column grow by the same angle from one number to the next.
      const outer = isOuterTwiddled
        ? `let m${u} = (firstColumn + c${u}) % ${stride};
      var f${u} = unit(j${u} * m${u}, ${stride * radix});
      let g${u} = unit(${count} * m${u}, ${stride * radix});
      ${lines(names, (name, r) => `${r > 0 ? `f${u} = times(f${u}, g${u});` : ""} ${name} = times(${name}, f${u});`)}`
        : "";
      const twiddle =
        inner > 1
          ? `let w${u}_1 = unit(j${u} % ${inner}, ${inner * step});
      ${lines(names.slice(2), (_, i) => {
        const r = i + 2;
        return `let w${u}_${r} = times(w${u}_${r >> 1}, w${u}_${r - (r >> 1)});`;
      })}
      ${lines(names.slice(1), (name, i) => `${name} = times(${name}, ${twiddled[i + 1]});`)}`
          : "";
      const { statements, results } = butterfly(names, isInverse, `x${u}`);
      const place = (r: number) => `e${u} + ${r * inner}`;
      const write = lines(results, (result, r) =>
        isLastStep && !isTransposed
          ? `writeNumber(firstColumn + c${u}, ${place(r)}, ${result});`
          : `tile[swizzle(placeOf(c${u}, ${place(r)}))] = ${result};`,
      );
      return {
        before: `let c${u} = ${column};
      let j${u} = ${j};
      ${read}
      ${outer}
      ${twiddle}
      ${statements}
      let e${u} = j${u} / ${inner} * ${inner * step} + j${u} % ${inner};`,
        write,
      };
    });
    innerStride *= step;
    const barrier = isFirstStep ? "" : "workgroupBarrier();";
    return `{
      ${lines(parts, ({ before }) => before)}
      ${isLastStep && !isTransposed ? "" : barrier}
      ${lines(parts, ({ write }) => write)}
    }
    ${isLastStep && !isTransposed ? "" : "workgroupBarrier();"}`;
  });
  const scale = isLast && isInverse ? ` * ${1 / length}` : "";
  return /* wgsl */ `
// Complex numbers, real and imaginary part.
@group(0) @binding(0) var<storage, read> values: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> results: array<vec2f>;

var<workgroup> tile: array<vec2f, ${tileLength}>;

// Keeps threads that read or write at a distance of a power of two off each other's memory banks.
fn swizzle(place: u32) -> u32 {
  return place ^ ((place >> 4) & 15);
}

fn placeOf(column: u32, i: u32) -> u32 {
  return ${isWhole ? `column * ${radix} + i` : `i * ${columns} + column`};
}

fn times(a: vec2f, b: vec2f) -> vec2f {
  return vec2f(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

${unitWgsl(isInverse)}
fn readNumber(column: u32, i: u32) -> vec2f {
  // Beyond the end any value serves: its results are not written.
  return values[min(column / ${columnsPerTransform} * ${length} + column % ${columnsPerTransform} + i * ${columnsPerTransform}, arrayLength(&values) - 1)];
}

fn writeNumber(column: u32, i: u32, value: vec2f) {
  let j = column % ${columnsPerTransform};
  let place = column / ${columnsPerTransform} * ${length} + j / ${stride} * ${stride * radix} + j % ${stride} + i * ${stride};
  if (place < arrayLength(&results)) {
    results[place] = value${scale};
  }
}

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let firstColumn = workgroup.x * ${columns};
  ${text.join("\n")}
  ${
    isTransposed
      ? `for (var i = local; i < ${tileLength}; i += ${workgroupSize}) {
    let place = firstColumn * ${radix} + i;
    if (place < arrayLength(&results)) {
      results[place] = tile[swizzle(placeOf(i / ${radix}, i % ${radix}))]${scale};
    }
  }`
      : ""
  }
}
`;
}

/** Declares `unit`: e^(2πi · i / n), or e^(-2πi · i / n) if it is not positive. */
export const unitWgsl = (isPositive: boolean) => /* wgsl */ `
// The number on the unit circle at i of n equal parts of it; i is below n, a power of two. Angles are brought into an
// eighth of the circle by whole numbers, and there the series are exact to an f32.
fn unit(i: u32, n: u32) -> vec2f {
  let scaled = i * max(8 / n, 1);
  let eighth = max(n / 8, 1);
  let octant = scaled / eighth;
  let rest = select(scaled % eighth, eighth - scaled % eighth, octant % 2 == 1);
  let angle = f32(rest) * (0.78539816339744831 / f32(eighth));
  let z = angle * angle;
  let sine = angle * (1 + z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880)))));
  let cosine = 1 + z * (-0.5 + z * (1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320 - z * (1.0 / 3628800)))));
  let isSwapped = (octant + 1) / 2 % 2 == 1;
  let x = select(cosine, sine, isSwapped);
  let y = select(sine, cosine, isSwapped);
  return vec2f(select(x, -x, (octant + 2) / 4 % 2 == 1), select(${isPositive ? "y, -y" : "-y, y"}, octant >= 4));
}
`;

interface Butterfly {
  readonly statements: string;
  /** The names of the results. */
  readonly results: readonly string[];
}

/** A transform of the numbers with these names, in registers. */
function butterfly(names: readonly string[], isInverse: boolean, prefix: string): Butterfly {
  const count = names.length;
  if (count === 1) return { statements: "", results: names };
  const even = butterfly(
    names.filter((_, i) => i % 2 === 0),
    isInverse,
    `${prefix}e`,
  );
  const odd = butterfly(
    names.filter((_, i) => i % 2 === 1),
    isInverse,
    `${prefix}o`,
  );
  const half = upTo(count / 2);
  const statements = lines(half, (k) => {
    const [a, b, turned] = [even.results[k]!, odd.results[k]!, `${prefix}t${k}`];
    return `let ${turned} = ${turn(b, k / count, isInverse)};
      let ${prefix}${k} = ${a} + ${turned};
      let ${prefix}${k + count / 2} = ${a} - ${turned};`;
  });
  return {
    statements: `${even.statements}\n${odd.statements}\n${statements}`,
    results: upTo(count).map((k) => `${prefix}${k}`),
  };
}

/** The number called `name`, turned by a part of the circle that is a multiple of an eighth, less than half. */
function turn(name: string, part: number, isInverse: boolean): string {
  if (part === 0) return name;
  if (part === 1 / 4) return isInverse ? `vec2f(-${name}.y, ${name}.x)` : `vec2f(${name}.y, -${name}.x)`;
  const x = part === 1 / 8 ? Math.SQRT1_2 : -Math.SQRT1_2;
  return `times(${name}, vec2f(${x}, ${isInverse ? "" : "-"}${Math.SQRT1_2}))`;
}

/** The radices of the steps within a column: eights, and fours or a two where these do not suffice. */
function stepsOf(radix: number): number[] {
  if (radix <= 8) return [radix];
  if (radix === 16) return [4, 4];
  return [8, ...stepsOf(radix / 8)];
}

function lines<T>(items: readonly T[], line: (item: T, index: number) => string): string {
  return items.map(line).join("\n      ");
}

/** The whole numbers below `count`. */
function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
