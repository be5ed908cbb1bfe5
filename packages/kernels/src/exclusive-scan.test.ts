import { output, temporary } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { recordingBackend } from "../test/recording-backend.js";
import { exclusiveScan, exclusiveScanReference, exclusiveScanSpirv, runExclusiveScan } from "./exclusive-scan.js";

const bindingsOf = (length: number) => ({ values: new Uint32Array(length), prefixes: output(Uint32Array, length) });

test("the reference gives each element the sum of those before it", () => {
  expect([...exclusiveScanReference(new Uint32Array([3, 1, 4, 1, 5]))]).toEqual([0, 3, 4, 8, 9]);
  expect([...exclusiveScanReference(new Uint32Array(0))]).toEqual([]);
});

test("the reference wraps around at 2^32", () => {
  expect([...exclusiveScanReference(new Uint32Array([0xffff_ffff, 2, 7]))]).toEqual([0, 0xffff_ffff, 1]);
});

test("one block of SPIR-V is one pass, begun at zero", () => {
  expect(exclusiveScanSpirv.passes(bindingsOf(2048))).toEqual([
    { program: "scan", bindings: { values: "values", offsets: "zero", prefixes: "prefixes" }, workgroups: 1 },
  ]);
  expect(exclusiveScanSpirv.temporaries(bindingsOf(2048))).toEqual({
    zero: temporary(Uint32Array, 1),
  });
});

test("more values of SPIR-V add levels: totals on the way up, scans on the way down", () => {
  const bindings = bindingsOf(2048 * 2048 + 1);
  expect(exclusiveScanSpirv.passes(bindings)).toEqual([
    { program: "totals", bindings: { values: "values", totals: "totals1" }, workgroups: 2049 },
    { program: "totals", bindings: { values: "totals1", totals: "totals2" }, workgroups: 2 },
    { program: "scan", bindings: { values: "totals2", offsets: "zero", prefixes: "offsets2" }, workgroups: 1 },
    { program: "scan", bindings: { values: "totals1", offsets: "offsets2", prefixes: "offsets1" }, workgroups: 2 },
    { program: "scan", bindings: { values: "values", offsets: "offsets1", prefixes: "prefixes" }, workgroups: 2049 },
  ]);
  expect(Object.entries(exclusiveScanSpirv.temporaries(bindings)).map(([name, { length }]) => [name, length])).toEqual([
    ["zero", 1],
    ["totals1", 2049],
    ["offsets1", 2049],
    ["totals2", 2],
    ["offsets2", 2],
  ]);
});

test("gives as many prefixes as values, from either language", async () => {
  const { backend, runs } = recordingBackend();
  expect(await runExclusiveScan(backend, new Uint32Array(7))).toHaveLength(7);
  expect(await runExclusiveScan(backend, new Uint32Array(0), { from: "spirv" })).toHaveLength(0);
  expect(runs.map((run) => run.kernel)).toEqual([exclusiveScan, exclusiveScanSpirv]);
});
