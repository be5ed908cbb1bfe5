import {
  ComputeError,
  defineKernel,
  type Kernel,
  type Output,
  type Pass,
  type Program,
  temporary,
} from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";
import { fftWgsl, tileLength } from "./fft-wgsl.js";
import { checkSameLength } from "./selection.js";

/** The largest part of a longer transform: a workgroup transforms eight neighboring columns, whole sectors of memory. */
const maxBitsPerPass = 8;
const maxLength = 2 ** 27;

export interface FftDefinition {
  readonly label: string;
  /** The complex numbers in one transform, a power of two. */
  readonly length: number;
  /**
   * Whether it is the inverse, which divides by `length`.
   * @default false
   */
  readonly isInverse?: boolean;
}

export type FftBindings = {
  /** Complex numbers, each a real part and an imaginary part; one transform after the other, of `length` each. */
  readonly values: Float32Array;
  /** As long as `values`. */
  readonly results: Output<Float32Array>;
};

/**
 * A kernel of 1-D Fourier transforms in batches: of each `length` numbers x, X[k] = Σ x[j] · e^(-2πijk / length), and for
 * the inverse x[j] = Σ X[k] · e^(2πijk / length) / length, as NumPy scales them. By Stockham's algorithm, which needs
 * no reordering (Govindaraju and others, "High performance discrete Fourier transforms on graphics processors", 2008).
 * Up to 2048 numbers are transformed in workgroup memory, in one pass; each further pass multiplies that by up to 256.
 *
 * Twiddle factors are computed to an f32. The root mean square of the errors is about 4e-7 of that of the results for
 * 2^17 numbers, and less for fewer.
 * @throws {ComputeError} `invalid-kernel` if `length` is not a power of two, up to 2^27.
 */
export function defineFft({ label, length, isInverse = false }: FftDefinition): Kernel<FftBindings> {
  const bits = Math.log2(length);
  if (!Number.isInteger(bits) || length < 1 || length > maxLength) {
    throw new ComputeError(
      "invalid-kernel",
      `Kernel "${label}": "length" must be a power of two, from 1 to ${maxLength}; got ${describeValue(length)}.`,
    );
  }
  const programs: Record<string, Program> = {};
  let stride = 1;
  const radices = radicesOf(bits);
  for (const [i, radix] of radices.entries()) {
    programs[`pass-${i}`] = { wgsl: fftWgsl({ length, radix, stride, isInverse }) };
    stride *= radix;
  }
  return defineKernel<FftBindings>({
    label,
    programs,
    temporaries: ({ values }) => (radices.length === 1 ? {} : { middle: temporary(Float32Array, values.length) }),
    passes({ values, results }): Pass[] {
      if (values.length % (2 * length) !== 0) {
        throw new ComputeError(
          "invalid-binding",
          `Kernel "${label}": "values" must have a multiple of ${2 * length} elements, ` +
            `${length} complex numbers for each transform; got ${values.length}.`,
        );
      }
      checkSameLength(label, ["results", results], ["values", values]);
      const workgroups = Math.ceil(values.length / 2 / tileLength);
      // The last pass writes the results, and the others take turns.
      const target = (pass: number) => ((radices.length - 1 - pass) % 2 === 0 ? "results" : "middle");
      return radices.map((_, i) => ({
        program: `pass-${i}`,
        bindings: { values: i === 0 ? "values" : target(i - 1), results: target(i) },
        workgroups,
      }));
    },
  });
}

/** What a kernel of `defineFft` computes, on the CPU in float64. */
export function fftReference(
  values: Float32Array,
  { length, isInverse = false }: Omit<FftDefinition, "label">,
): Float32Array {
  const results = new Float32Array(values.length);
  const sign = isInverse ? 1 : -1;
  for (let start = 0; start < values.length; start += 2 * length) {
    const transformed = transform(Float64Array.from(values.subarray(start, start + 2 * length)), sign);
    results.set(isInverse ? transformed.map((value) => value / length) : transformed, start);
  }
  return results;
}

/** Cooley and Tukey's: the transforms of the numbers at even and at odd places, put together. */
function transform(values: Float64Array, sign: number): Float64Array {
  const length = values.length / 2;
  if (length === 1) return values;
  const half = (first: number) =>
    transform(
      Float64Array.from({ length }, (_, i) => values[4 * (i >> 1) + 2 * first + (i & 1)]!),
      sign,
    );
  const [even, odd] = [half(0), half(1)];
  const results = new Float64Array(values.length);
  for (let k = 0; k < length; k += 2) {
    const angle = (sign * Math.PI * k) / length;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const real = odd[k]! * cos - odd[k + 1]! * sin;
    const imaginary = odd[k]! * sin + odd[k + 1]! * cos;
    results[k] = even[k]! + real;
    results[k + 1] = even[k + 1]! + imaginary;
    results[k + length] = even[k]! - real;
    results[k + length + 1] = even[k + 1]! - imaginary;
  }
  return results;
}

/** The radices of the passes, from the largest; all are about the same. */
function radicesOf(bits: number): number[] {
  if (2 ** bits <= tileLength) return [2 ** bits];
  const passes = Math.ceil(bits / maxBitsPerPass);
  return Array.from({ length: passes }, (_, i) => 2 ** Math.ceil((bits - i) / passes));
}
