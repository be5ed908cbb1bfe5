import { describe, expect, it } from "vitest";
import { foldConstant } from "./fold-constant.js";
import { nameOpcode } from "./instructions.js";

const opcodes = new Map(Array.from({ length: 400 }, (_, opcode) => [nameOpcode(opcode), opcode]));
const fold = (name: string, a: number, b = 0) => foldConstant(opcodes.get(`Op${name}`)!, a >>> 0, b >>> 0);

describe("constants that are computed", () => {
  const cases: readonly [name: string, a: number, b: number, result: number][] = [
    ["IAdd", 0xffff_ffff, 2, 1],
    ["ISub", 1, 2, 0xffff_ffff],
    ["IMul", 0x1_0001, 0x1_0001, 0x2_0001],
    ["UDiv", 0xffff_fffe, 2, 0x7fff_ffff],
    ["SDiv", -7, 2, -3],
    ["UMod", 0xffff_ffff, 10, 5],
    ["SRem", -7, 3, -1],
    ["SMod", -7, 3, 2],
    ["SMod", 7, -3, -2],
    ["SNegate", 5, 0, -5],
    ["Not", 0, 0, -1],
    ["ShiftRightLogical", -1, 28, 15],
    ["ShiftRightArithmetic", -16, 2, -4],
    ["ShiftLeftLogical", 3, 31, 0x8000_0000],
    ["ULessThan", 1, -1, 1],
    ["SLessThan", 1, -1, 0],
    ["SGreaterThanEqual", -1, -1, 1],
    ["LogicalAnd", 1, 0, 0],
    ["LogicalNot", 0, 0, 1],
  ];
  it.each(cases)("%s of %i and %i is %i, in 32 bits", (name, a, b, result) => {
    expect(fold(name, a, b)).toBe(result >>> 0);
  });

  it.each([
    ["UDiv", 1, 0],
    ["SDiv", -(2 ** 31), -1],
    ["SMod", 1, 0],
    ["ShiftLeftLogical", 1, 32],
  ])("%s of %i and %i has no result", (name, a, b) => {
    expect(fold(name, a, b)).toBeUndefined();
  });
});
