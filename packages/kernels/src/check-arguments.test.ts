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
/** A value that only a caller without types can pass. */
const not = (value: unknown) => value as never;

test.each<[string, () => Promise<unknown>, string]>([
  ["values to add up", () => runSum(backend, not(undefined)), 'runSum: "values" must be a typed array; got undefined.'],
  [
    "a list",
    () => runSum(backend, not([1, 2])),
    'runSum: "values" must be a typed array; got an array of 2. Give it as new Float32Array([...]).',
  ],
  [
    "values to scan",
    () => runExclusiveScan(backend, not(3)),
    'runExclusiveScan: "values" must be a typed array; got 3.',
  ],
  [
    "values to count",
    () => runHistogram(backend, not(null), 4),
    'runHistogram: "values" must be a typed array; got null.',
  ],
  [
    "bins",
    () => runHistogram(backend, words, not("4")),
    'runHistogram: "binCount" must be a whole number from 1 to 4096; got "4".',
  ],
  ["a field", () => runFieldAdd(backend, floats, not("b")), 'runFieldAdd: "b" must be a typed array; got "b".'],
  ["x", () => runSaxpy(backend, 1, not({}), floats), 'runSaxpy: "x" must be a typed array; got an object.'],
  [
    "y",
    () => runSaxpy(backend, 1, floats, not(new DataView(new ArrayBuffer(16)))),
    'runSaxpy: "y" must be a typed array; got a DataView.',
  ],
  [
    "a matrix",
    () => runMatrixProduct(backend, floats, not(undefined), dims),
    'runMatrixProduct: "b" must be a typed array; got undefined.',
  ],
  [
    "dimensions",
    () => runMatrixProduct(backend, floats, floats, not(undefined)),
    'runMatrixProduct: "dims" must be an object with m, k and n; got undefined.',
  ],
  [
    "a dimension",
    () => runMatrixProduct(backend, floats, floats, { ...dims, m: not("2") }),
    'runMatrixProduct: "m" must be a whole number, 0 or more; got "2".',
  ],
  [
    "bodies",
    () => runNBody(backend, not(undefined), { timeStep: 1, softening: 1 }),
    'runNBody: "state" must be an object with positions and velocities; got undefined.',
  ],
  [
    "velocities",
    () => runNBody(backend, not({ positions: floats }), { timeStep: 1, softening: 1 }),
    'runNBody: "velocities" must be a typed array; got undefined.',
  ],
  [
    "settings",
    () => runNBody(backend, { positions: floats, velocities: floats }, not(undefined)),
    'runNBody: "settings" must be an object with timeStep and softening; got undefined.',
  ],
  [
    "a setting",
    () => runNBody(backend, { positions: floats, velocities: floats }, { timeStep: 1, softening: not("1") }),
    'runNBody: "softening" must be a finite number, 1e-12 or more; got "1".',
  ],
])("a wrong argument in place of %s is refused before any run", async (_, attempt, message) => {
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
])("%s refuses any language but WGSL and SPIR-V", async (subject, attempt) => {
  await expect(attempt()).rejects.toMatchObject({
    name: "ComputeError",
    code: "invalid-option",
    message: `${subject}: "from" must be "wgsl" or "spirv"; got "glsl".`,
  });
  expect(runs).toEqual([]);
});
