import { output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { defineReduction } from "./reduction.js";
import { defineScan } from "./scan.js";

const scan = defineScan({ label: "product", type: "i32", combine: "a * b", identity: "1", isInclusive: true });
const scanOf = (length: number) => ({ values: new Int32Array(length), prefixes: output(Int32Array, length) });
const reduction = defineReduction({
  label: "last",
  type: "u32",
  combine: "select(a, b, b != 0)",
  identity: "0",
  isCommutative: false,
});
const reductionOf = (length: number) => ({ values: new Uint32Array(length), result: output(Uint32Array, 1) });

test("a block is one pass of a scan; more add levels of totals and of offsets", () => {
  const workgroupsOf = (length: number) => scan.passes(scanOf(length)).map(({ workgroups }) => workgroups);
  expect(workgroupsOf(4096)).toEqual([1]);
  expect(workgroupsOf(4097)).toEqual([2, 1, 2]);
  expect(workgroupsOf(4096 ** 2 + 1)).toEqual([4097, 2, 1, 2, 4097]);
});

test("the block of a scan follows the workgroup size", () => {
  const passes = scan.specialize({ workgroup_size: 64 }).passes(scanOf(4096));
  expect(passes.map(({ workgroups }) => workgroups)).toEqual([4, 1, 4]);
});

test("whole vec4s have programs of their own", () => {
  const programOf = (length: number) => scan.passes(scanOf(length))[0]!.program;
  expect([programOf(8), programOf(9)]).toEqual(["scan-values-whole-aligned", "scan-values-whole-unaligned"]);
});

test("a reduction in order has as many levels as its blocks need", () => {
  const workgroupsOf = (length: number) => reduction.passes(reductionOf(length)).map(({ workgroups }) => workgroups);
  expect(workgroupsOf(4096)).toEqual([1]);
  expect(workgroupsOf(4096 ** 2 + 1)).toEqual([4097, 2, 1]);
});
