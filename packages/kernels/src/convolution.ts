import { ComputeError, defineKernel, type Kernel, type Output } from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";

/** A workgroup of 32 by 8 threads computes a tile; each thread has some results below each other. */
const tileWidth = 32;
const threadRows = 8;
/** The tile of the image for weights of this size fits in 16 KiB, the workgroup memory that every WebGPU device has. */
const maxSide = 31;
/** Numbers of the image that a thread reads before it stores them. */
const readsAtOnce = 4;
const mostWorkgroupBytes = 16_384;

export type ImageSize = {
  readonly width: number;
  readonly height: number;
};

/**
 * What lies around an image: zeros, the nearest number of the image (`"clamp"`), or the image again and again
 * (`"wrap"`).
 */
export type ConvolutionBorder = "zero" | "clamp" | "wrap";

export interface ConvolutionDefinition {
  readonly label: string;
  /** The columns and the rows of the weights: odd numbers up to 31. */
  readonly columns: number;
  readonly rows: number;
  /** @default "zero" */
  readonly border?: ConvolutionBorder;
}

export type ConvolutionBindings = {
  readonly size: ImageSize;
  /** Row by row, as `size` says. */
  readonly image: Float32Array;
  /** Row by row. */
  readonly weights: Float32Array;
  /** As long as `image`. */
  readonly results: Output<Float32Array>;
};

/**
 * A kernel that convolves an image with weights, and gives as many numbers as the image has: result[y][x] =
 * Σ weights[j][i] · image[y + rows / 2 - j][x + columns / 2 - i] over all rows j and columns i, with halves rounded
 * down, as SciPy's `convolve2d` with `mode="same"`. What machine learning calls a convolution is this with the weights
 * in reverse order. Sums are in f32.
 * @throws {ComputeError} `invalid-kernel` if `columns` or `rows` is not an odd number from 1 to 31, or `border` is
 *   unknown.
 */
export function defineConvolution2d(definition: ConvolutionDefinition): Kernel<ConvolutionBindings> {
  const { label, columns, rows, border = "zero" } = definition;
  checkSide(label, "columns", columns);
  checkSide(label, "rows", rows);
  if (!["zero", "clamp", "wrap"].includes(border)) {
    throw new ComputeError(
      "invalid-kernel",
      `Kernel "${label}": "border" must be "zero", "clamp" or "wrap"; got ${describeValue(border)}.`,
    );
  }
  const rowsPerThread = bytesOfTile(columns, rows, 8) <= mostWorkgroupBytes ? 8 : 4;
  const wgsl = convolutionWgsl({ columns, rows, border, rowsPerThread });
  return defineKernel<ConvolutionBindings>({
    label,
    programs: { convolve: { wgsl } },
    passes({ size: { width, height }, image, weights, results }) {
      checkCount(label, "image", image, height, width);
      checkCount(label, "results", results, height, width);
      checkCount(label, "weights", weights, rows, columns);
      const workgroups = [Math.ceil(width / tileWidth), Math.ceil(height / (threadRows * rowsPerThread))] as const;
      return [{ program: "convolve", workgroups }];
    },
  });
}

/** What a kernel of `defineConvolution2d` computes, on the CPU with sums in float64. */
export function convolution2dReference(
  image: Float32Array,
  weights: Float32Array,
  { width, height }: ImageSize,
  { columns, rows, border = "zero" }: Omit<ConvolutionDefinition, "label">,
): Float32Array {
  const results = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let total = 0;
      for (let j = 0; j < rows; j += 1) {
        for (let i = 0; i < columns; i += 1) {
          const row = placeInside(y + (rows >> 1) - j, height, border);
          const column = placeInside(x + (columns >> 1) - i, width, border);
          if (row !== undefined && column !== undefined) {
            total += weights[j * columns + i]! * image[row * width + column]!;
          }
        }
      }
      results[y * width + x] = total;
    }
  }
  return results;
}

/** The place in the image that stands for one that may lie outside. */
function placeInside(place: number, length: number, border: ConvolutionBorder): number | undefined {
  if (place >= 0 && place < length) return place;
  if (border === "zero") return undefined;
  return border === "clamp" ? Math.min(Math.max(place, 0), length - 1) : ((place % length) + length) % length;
}

function checkSide(label: string, name: string, side: number): void {
  if (Number.isInteger(side) && side % 2 === 1 && side >= 1 && side <= maxSide) return;
  throw new ComputeError(
    "invalid-kernel",
    `Kernel "${label}": "${name}" must be an odd number from 1 to ${maxSide}; got ${describeValue(side)}.`,
  );
}

function checkCount(
  label: string,
  name: string,
  { length }: { readonly length: number },
  rows: number,
  columns: number,
): void {
  if (length === rows * columns) return;
  throw new ComputeError(
    "invalid-binding",
    `Kernel "${label}": "${name}" must have ${rows} rows of ${columns}, ${rows * columns} elements; got ${length}.`,
  );
}

function bytesOfTile(columns: number, rows: number, rowsPerThread: number): number {
  return 4 * (tileWidth + columns - 1) * (threadRows * rowsPerThread + rows - 1);
}

/** The nearest place in the image, or the one that repeats there, as a WGSL expression of `place`. */
const nearest = "clamp(place, vec2i(), whole - 1)";
const inside: { readonly [border in ConvolutionBorder]: string } = {
  zero: nearest,
  clamp: nearest,
  wrap: "(place % whole + whole) % whole",
};

interface ConvolutionText extends Required<Omit<ConvolutionDefinition, "label">> {
  readonly rowsPerThread: number;
}

/** A thread reads each number of its column of the tile once for each column of the weights. */
function convolutionWgsl({ columns, rows, border, rowsPerThread }: ConvolutionText): string {
  const tileHeight = threadRows * rowsPerThread;
  const [readWidth, readHeight] = [tileWidth + columns - 1, tileHeight + rows - 1];
  const threads = tileWidth * threadRows;
  const reads = (line: (k: number) => string) => Array.from({ length: readsAtOnce }, (_, k) => line(k)).join("\n");
  const each = (line: (row: number) => string) => Array.from({ length: rowsPerThread }, (_, k) => line(k)).join("\n");
  return /* wgsl */ `
struct Size {
  width: u32,
  height: u32,
}

@group(0) @binding(0) var<uniform> size: Size;
@group(0) @binding(1) var<storage, read> image: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> results: array<f32>;

var<workgroup> tile: array<f32, ${readWidth * readHeight}>;

// Every place is read, so that many reads are in flight.
fn readImage(i: u32, corner: vec2u) -> f32 {
  let whole = vec2i(vec2u(size.width, size.height));
  let place = vec2i(corner + vec2u(i % ${readWidth}, i / ${readWidth})) - vec2i(${columns >> 1}, ${rows >> 1});
  let inside = ${inside[border]};
  let value = image[inside.y * whole.x + inside.x];
  return ${border === "zero" ? "select(0, value, all(inside == place))" : "value"};
}

@compute @workgroup_size(${tileWidth}, ${threadRows})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let corner = workgroup.xy * vec2u(${tileWidth}, ${tileHeight});
  for (var i = index; i < ${readWidth * readHeight}; i += ${readsAtOnce * threads}) {
${reads((k) => `let read${k} = readImage(i + ${k * threads}, corner);`)}
${reads((k) => `if (i + ${k * threads} < ${readWidth * readHeight}) { tile[i + ${k * threads}] = read${k}; }`)}
  }
  workgroupBarrier();

${each((k) => `var total${k} = 0f;`)}
  let firstRow = local.y * ${rowsPerThread};
  for (var i = 0u; i < ${columns}; i++) {
    // The numbers that meet one weight, and with the next row of weights the next numbers.
    var place = firstRow * ${readWidth} + local.x + i;
${each((k) => (k === 0 ? "var value0 = 0f;" : `var value${k} = tile[place + ${(k - 1) * readWidth}];`))}
    for (var j = 0u; j < ${rows}; j++) {
${each((k) => (k === rowsPerThread - 1 ? "" : `value${k} = value${k + 1};`))}
      value${rowsPerThread - 1} = tile[place + ${(rowsPerThread - 1) * readWidth}];
      place += ${readWidth};
      let weight = weights[${columns * rows - 1} - (j * ${columns} + i)];
${each((k) => `total${k} += weight * value${k};`)}
    }
  }

  let column = corner.x + local.x;
  if (column < size.width) {
${each((k) => `if (corner.y + firstRow + ${k} < size.height) { results[(corner.y + firstRow + ${k}) * size.width + column] = total${k}; }`)}
  }
}
`;
}
