import { describe, expect, test } from "vitest";
import { output } from "../bindings/bindings.js";
import { RunClock } from "../ledger/run-clock.js";
import type { PlannedResource, RunPlan } from "../plan/run-plan.js";
import { checkProfileName, collectResults, emptyResults, withProfile } from "./collect-results.js";

function planOf(resources: readonly PlannedResource[], isEmpty = false): RunPlan {
  return { label: "k", resources, dispatches: [], isEmpty, bound: new Map(), shape: {} };
}

const read: PlannedResource = { name: "a", byteLength: 8, access: "read", data: new Float32Array(2) };

test("copies each result out of the bytes of its resource, cut to the length asked for", () => {
  const memory = new ArrayBuffer(32);
  new Uint32Array(memory).set([9, 9, 1, 2, 3, 9, 0x40302010, 9]);
  const plan = planOf([
    read,
    { name: "c", byteLength: 12, access: "read-write", result: { type: Uint32Array, length: 3 } },
    { name: "d", byteLength: 4, access: "mixed", result: { type: Uint8Array, length: 3 } },
  ]);
  const asked: number[] = [];
  const results = collectResults(plan, (resource) => {
    asked.push(resource);
    return { memory, offset: resource === 1 ? 8 : 24 };
  });
  expect(asked).toEqual([1, 2]);
  expect(results).toEqual({ c: new Uint32Array([1, 2, 3]), d: new Uint8Array([0x10, 0x20, 0x30]) });
  new Uint8Array(memory).fill(0xff);
  expect(results.c).toEqual(new Uint32Array([1, 2, 3]));
  expect((results.d as Float32Array).buffer).not.toBe(memory);
});

test("a result of no elements asks for no bytes", () => {
  const plan = planOf(
    [{ name: "c", byteLength: 0, access: "read-write", result: { type: Int32Array, length: 0 } }],
    true,
  );
  expect(emptyResults(plan)).toEqual({ c: new Int32Array(0) });
});

test("results of some length cannot be taken for empty ones", () => {
  const plan = planOf([{ name: "c", byteLength: 4, access: "read-write", result: { type: Int32Array, length: 1 } }]);
  expect(() => emptyResults(plan)).toThrow("Unreachable");
});

test("adds the profile beside the results", () => {
  const profile = new RunClock().profile();
  const results = { c: new Float32Array(1) };
  expect(withProfile(results, profile)).toEqual({ c: results.c, profile });
  expect(results).not.toHaveProperty("profile");
});

test("refuses a result that has the profile's name", () => {
  expect(() => checkProfileName(`Kernel "blur"`, { profile: output(Float32Array, 1) })).toThrow(
    expect.objectContaining({
      code: "invalid-binding",
      message: 'Kernel "blur" has a result named "profile"; a profiled run needs that name.',
    }),
  );
});

test("takes an input that has the profile's name, which is no result", () => {
  expect(() => checkProfileName(`Kernel "blur"`, { profile: new Float32Array(1) })).not.toThrow();
});

test("nothing is written or leased where a caller's array is no longer as long as its result", () => {
  const into = new Uint32Array(1);
  const resource = { byteLength: 8, access: "read-write" } as const;
  const plan = planOf([
    { ...resource, name: "a", result: { type: Uint32Array, length: 2, isLeased: true } },
    { ...resource, name: "b", result: { type: Uint32Array, length: 2, into } },
  ]);
  const refuse = () => {
    throw new Error("asked");
  };
  expect(() => collectResults(plan, refuse, refuse)).toThrow(
    /"b" goes into a Uint32Array of 2 elements, and now it has 1/,
  );
});

test("fills memory that was made ahead, except for results that the caller has memory for or leases", () => {
  const long = 10_000;
  const into = new Uint32Array(2);
  const resource = { access: "read-write" } as const;
  const plan = planOf([
    read,
    { ...resource, name: "a", byteLength: long, result: { type: Uint8Array, length: long - 3 } },
    { ...resource, name: "b", byteLength: 8, result: { type: Uint32Array, length: 2, into } },
    { ...resource, name: "c", byteLength: 8, result: { type: Uint32Array, length: 2, isLeased: true } },
    { ...resource, name: "d", byteLength: 12, result: { type: Float32Array, length: 3 } },
  ]);
  const made = new Uint8Array(long - 3).fill(7);
  const memory = new ArrayBuffer(long);
  const bytes = new Uint8Array(memory);
  for (let i = 0; i < long; i += 1) bytes[i] = 1 + (i % 251);
  const results = collectResults(plan, () => ({ memory, offset: 0 }), undefined, [undefined, made]);
  expect(results.a).toBe(made);
  expect(results.a).toEqual(bytes.subarray(0, long - 3));
  expect(results.b).toBe(into);
  expect(results.d).toEqual(new Float32Array(memory, 0, 3));
  const { buffer, byteOffset, byteLength } = results.d as Float32Array;
  expect([byteOffset, buffer.byteLength]).toEqual([0, byteLength]);
});

describe("a result that its kernel counts", () => {
  const counted = (count: number, into?: Float32Array): [RunPlan, () => { memory: ArrayBuffer; offset: number }] => {
    const values = { type: Float32Array, length: 3, into, countedBy: "count" };
    const resources: PlannedResource[] = [
      { name: "values", byteLength: 12, access: "read-write", result: values },
      { name: "count", byteLength: 4, access: "read-write", result: { type: Uint32Array, length: 1 } },
    ];
    const memory = new ArrayBuffer(16);
    new Float32Array(memory).set([1, 2, 3]);
    new Uint32Array(memory)[3] = count;
    const plan = {
      ...planOf(resources),
      bound: new Map([
        ["values", 0],
        ["count", 1],
      ]),
    };
    const findBytes = (resource: number) => ({ memory, offset: resource === 0 ? 0 : 12 });
    return [plan, findBytes as () => { memory: ArrayBuffer; offset: number }];
  };

  test.each([0, 1, 3])("has the length %i that it was given", (count) => {
    const results = collectResults(...counted(count));
    expect(results).toEqual({
      values: new Float32Array([1, 2, 3]).subarray(0, count),
      count: new Uint32Array([count]),
    });
    expect((results.values as Float32Array).buffer.byteLength).toBe(count * 4);
  });

  test("is a view of the caller's array, whose other elements stay as they are", () => {
    const into = new Float32Array([7, 8, 9]);
    const { values } = collectResults(...counted(2, into));
    expect(values).toEqual(new Float32Array([1, 2]));
    expect((values as Float32Array).buffer).toBe(into.buffer);
    expect(into).toEqual(new Float32Array([1, 2, 9]));
    expect(collectResults(...counted(3, into)).values).toBe(into);
  });

  test("that it counts beyond the most is an error, and nothing is written", () => {
    const into = new Float32Array([7, 8, 9]);
    expect(() => collectResults(...counted(4, into))).toThrow(
      expect.objectContaining({
        code: "limit-exceeded",
        message:
          'The result "values" of "k" can have 3 elements, and its "count" counts 4. Give it room: ' +
          'output(Float32Array, 4, { length: "count" }).',
      }),
    );
    expect(into).toEqual(new Float32Array([7, 8, 9]));
  });
});
