import { expect, test } from "vitest";
import { recordingBackend } from "../test/recording-backend.js";
import { runExclusiveScan } from "./exclusive-scan.js";
import { runFieldAdd } from "./field-add.js";
import { runHistogram } from "./histogram.js";
import { runMatrixProduct } from "./matrix-product.js";
import { runNBody } from "./n-body.js";
import { runSaxpy } from "./saxpy.js";
import { runSum } from "./sum.js";

const { backend, runs } = recordingBackend();
const floats = new Float32Array(4);
const words = new Uint32Array(4);
const dims = { m: 2, k: 2, n: 2 };
/** As what a caller without types may give. */
const not = (value: unknown) => value as never;

test.each<[string, () => Promise<unknown>, string]>([
  [
    "values to add up",
    () => runSum(backend, not(undefined)),
    'runSum takes "values" as a typed array; undefined is given.',
  ],
  ["a list", () => runSum(backend, not([1, 2])), 'runSum takes "values" as a typed array; an array of 2 is given.'],
  [
    "values to scan",
    () => runExclusiveScan(backend, not(3)),
    'runExclusiveScan takes "values" as a typed array; 3 is given.',
  ],
  [
    "values to count",
    () => runHistogram(backend, not(null), 4),
    'runHistogram takes "values" as a typed array; null is given.',
  ],
  ["bins", () => runHistogram(backend, words, not("4")), 'runHistogram counts in 1 to 4096 bins; "4" are given.'],
  ["a field", () => runFieldAdd(backend, floats, not("b")), 'runFieldAdd takes "b" as a typed array; "b" is given.'],
  ["x", () => runSaxpy(backend, 1, not({}), floats), 'runSaxpy takes "x" as a typed array; an object is given.'],
  [
    "y",
    () => runSaxpy(backend, 1, floats, not(new DataView(new ArrayBuffer(16)))),
    'runSaxpy takes "y" as a typed array; a DataView is given.',
  ],
  [
    "a matrix",
    () => runMatrixProduct(backend, floats, not(undefined), dims),
    'runMatrixProduct takes "b" as a typed array; undefined is given.',
  ],
  [
    "dimensions",
    () => runMatrixProduct(backend, floats, floats, not(undefined)),
    "runMatrixProduct takes an object of m, k and n; undefined is given.",
  ],
  [
    "a dimension",
    () => runMatrixProduct(backend, floats, floats, { ...dims, m: not("2") }),
    'runMatrixProduct is given m = "2"; a dimension is a whole number, 0 or more.',
  ],
  [
    "bodies",
    () => runNBody(backend, not(undefined), { timeStep: 1, softening: 1 }),
    "runNBody takes an object of positions and velocities; undefined is given.",
  ],
  [
    "velocities",
    () => runNBody(backend, not({ positions: floats }), { timeStep: 1, softening: 1 }),
    'runNBody takes "velocities" as a typed array; undefined is given.',
  ],
  [
    "settings",
    () => runNBody(backend, { positions: floats, velocities: floats }, not(undefined)),
    "runNBody takes an object of timeStep and softening; undefined is given.",
  ],
  [
    "a setting",
    () => runNBody(backend, { positions: floats, velocities: floats }, { timeStep: 1, softening: not("1") }),
    'runNBody is given softening = "1"; expected is a finite number, 1e-12 or more.',
  ],
])("what is not %s is refused before any run", async (_, attempt, message) => {
  await expect(attempt()).rejects.toMatchObject({ name: "ComputeError", code: "invalid-binding", message });
  expect(runs).toEqual([]);
});

test.each<[string, () => Promise<unknown>]>([
  ["runSum", () => runSum(backend, floats, { from: not("glsl") })],
  ["runExclusiveScan", () => runExclusiveScan(backend, words, { from: not("glsl") })],
  ["runHistogram", () => runHistogram(backend, words, 4, { from: not("glsl") })],
  ["runFieldAdd", () => runFieldAdd(backend, floats, floats, { from: not("glsl") })],
  ["runSaxpy", () => runSaxpy(backend, 1, floats, floats, { from: not("glsl") })],
  ["runMatrixProduct", () => runMatrixProduct(backend, floats, floats, dims, { from: not("glsl") })],
])("%s refuses a language that its kernels are not in", async (subject, attempt) => {
  await expect(attempt()).rejects.toMatchObject({
    name: "ComputeError",
    code: "invalid-option",
    message: `${subject} is given from: "glsl"; expected is "wgsl" or "spirv".`,
  });
  expect(runs).toEqual([]);
});
