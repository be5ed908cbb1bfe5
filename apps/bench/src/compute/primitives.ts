/** Scan, sort, selection, reduce by key, Fourier transform and convolution, each over resident arrays of f32. */
import type { PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import type { Bindings, Kernel, RecordRun } from "@kiln-gpu/core";
import {
  convolution2dReference,
  defineConvolution2d,
  defineFft,
  defineFilter,
  defineRadixSort,
  defineReduceByKey,
  defineScan,
  fftReference,
  reduceByKeyReference,
} from "@kiln-gpu/kernels";
import { checkResult } from "../check-result.js";
import type { Subject } from "./subject.js";

const scan = defineScan({ label: "scan", type: "f32", combine: "a + b", identity: "0", isInclusive: true });
const sort = defineRadixSort("sort", "f32");
const filter = defineFilter({ label: "compaction", type: "f32", keep: "value > 0" });
const reduceByKey = defineReduceByKey({
  label: "reduce by key",
  keyType: "f32",
  type: "f32",
  combine: "a + b",
  identity: "0",
});
/** Keys in a group, on average. */
const groupLength = 8;
/** Keys in all sorts of a sequence. */
const maxSortedTogether = 2 ** 25;
const transformLength = 1024;
const side = 5;
/** Rows of an image that the host computes, to check as many. */
const checkedRows = 16;
/** Relative to the greatest result, for the roundings of ten steps. */
const fftTolerance = 1e-5;

type Create = (backend: PersistentComputeBackend, length: number) => Promise<Subject & Disposable>;

/** From a number of elements, which is a multiple of 2048; bytes count inputs and results once. */
export const primitives: readonly Create[] = [
  async (backend, length) => {
    // The sums stay small whole numbers, which are exact.
    const data = Float32Array.from({ length }, (_, i) => (i % 2 === 0 ? 1 : -1) * (1 + ((i >> 1) % 7)));
    const expected = new Float32Array(length);
    let total = 0;
    for (let i = 0; i < length; i += 1) {
      total += data[i]!;
      expected[i] = total;
    }
    return subjectOf(backend, scan, { values: data }, { prefixes: expected });
  },
  async (backend, length) => {
    const keys = randomNumbers(length);
    const subject = await subjectOf(backend, sort, { keys }, { sortedKeys: keys.slice().sort() });
    // Every run of a sequence has temporaries of its own.
    return { ...subject, maxRepeats: Math.ceil(maxSortedTogether / length) };
  },
  async (backend, length) => {
    const values = randomNumbers(length);
    return subjectOf(backend, filter, { values }, { kept: values.filter((value) => value > 0) });
  },
  async (backend, length) => {
    let key = 0;
    const keys = new Float32Array(length).map(() => {
      if (Math.random() < 1 / groupLength) key += 1;
      return key;
    });
    const values = new Float32Array(length).map(() => Math.floor(Math.random() * 16));
    const { groupKeys, results } = reduceByKeyReference(keys, values, (a, b) => a + b);
    return subjectOf(backend, reduceByKey, { keys, values }, { groupKeys, results });
  },
  async (backend, length) => {
    const values = randomNumbers(length);
    const kernel = defineFft({ label: "fft of 1024", length: transformLength });
    const expected = fftReference(values.subarray(0, 2 * transformLength), { length: transformLength });
    const greatest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return subjectOf(backend, kernel, { values }, { results: expected }, (given) => {
      const offset = given.map((value, i) => 1 + (value - expected[i]!) / greatest);
      checkResult("The Fourier transform", new Float32Array(expected.length).fill(1), offset, fftTolerance);
    });
  },
  async (backend, length) => {
    const width = 2 ** Math.floor(Math.log2(length) / 2);
    const height = length / width;
    const image = Float32Array.from({ length }, () => Math.floor(Math.random() * 16));
    const weights = Float32Array.from({ length: side * side }, () => Math.floor(Math.random() * 16));
    const definition = { label: `convolution of ${side}×${side}`, columns: side, rows: side };
    // The last of these rows lack what lies below.
    const rows = Math.min(checkedRows + side, height);
    const top = convolution2dReference(image.subarray(0, rows * width), weights, { width, height: rows }, definition);
    const expected = top.subarray(0, Math.min(checkedRows, height) * width);
    const kernel = defineConvolution2d(definition) as Kernel<Bindings>;
    return subjectOf(backend, kernel, { image, weights }, { results: expected }, undefined, {
      size: { width, height },
    });
  },
];

function randomNumbers(length: number): Float32Array {
  return new Float32Array(length).map(() => Math.random() - 0.5);
}

/**
 * One kernel on resident arrays. Results are as long as the first input; the expected ones are their beginnings.
 * @param check By default, each element is what is expected.
 */
async function subjectOf<B extends Bindings>(
  backend: PersistentComputeBackend,
  kernel: Kernel<B>,
  inputs: { readonly [name: string]: Float32Array },
  expected: { readonly [name: string]: Float32Array },
  check?: (given: Float32Array) => void,
  uniforms: Bindings = {},
): Promise<Subject & Disposable> {
  const names = Object.keys(expected);
  const { length } = Object.values(inputs)[0]!;
  const given = await Promise.all(Object.values(inputs).map((input) => backend.array(input)));
  const results = await Promise.all(names.map(() => backend.array(Float32Array, length)));
  const counted = kernel === (filter as Kernel) || kernel === (reduceByKey as Kernel);
  const count = await backend.array(Uint32Array, 1);
  const bindings = {
    ...uniforms,
    ...Object.fromEntries(Object.keys(inputs).map((name, i) => [name, given[i]!])),
    ...Object.fromEntries(names.map((name, i) => [name, results[i]!])),
    ...(counted && { count }),
  };
  const written = names.reduce((total, name) => total + (counted ? expected[name]!.length : length), 0);
  const read = Object.values(inputs).reduce((total, input) => total + input.length, 0);
  return {
    name: kernel.label,
    work: 4 * (read + written),
    results,
    record: (run: RecordRun) => run(kernel as Kernel<Bindings>, bindings),
    check(all) {
      for (const [i, name] of names.entries()) {
        const wanted = expected[name]!;
        const beginning = all[i]!.subarray(0, wanted.length);
        if (check) check(beginning);
        else checkResult(`${kernel.label}: "${name}"`, wanted, beginning);
        // Only as many results as there are may be written.
        if (counted)
          checkResult(
            `${kernel.label}: the rest`,
            new Float32Array(length - wanted.length),
            all[i]!.subarray(wanted.length),
          );
      }
    },
    [Symbol.dispose]() {
      for (const array of [...given, ...results, count]) array.dispose();
    },
  };
}
