import type { PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import { sum, sumReference } from "@kiln-gpu/kernels";
import { checkResult } from "../check-result.js";
import type { Subject } from "./subject.js";

/** All values are positive, so nothing cancels; the reference adds in float64. */
export const sumTolerance = 1e-5;

export async function createSum(backend: PersistentComputeBackend, length: number): Promise<Subject & Disposable> {
  const data = new Float32Array(length);
  for (let i = 0; i < length; i += 1) data[i] = 0.5 + Math.random();
  const expected = Float32Array.of(sumReference(data));
  const values = await backend.array(data);
  const total = await backend.array(Float32Array, 1);
  return {
    name: sum.label,
    work: data.byteLength,
    results: [total],
    record: (run) => run(sum, { values, sum: total }),
    check: ([given]) => checkResult("The sum", expected, given!, sumTolerance),
    [Symbol.dispose]() {
      values.dispose();
      total.dispose();
    },
  };
}
