import { describe, expect, it } from "vitest";
import { type ConstantScope, evaluate } from "./constant-expression.js";
import { scanTokens } from "./scan-tokens.js";

const scope: ConstantScope = {
  valueOf: (name) => (name === "n" ? { type: "u32", value: 12 } : undefined),
  declares: (name) => name === "max",
};

const evaluated = (text: string) => evaluate(scanTokens(text, "The expression"), scope);

describe("evaluate", () => {
  it.each([
    ["2 + 3 * 4", "int", 14],
    ["(2 + 3) * 4", "int", 20],
    ["20 - 5 - 5", "int", 10],
    ["7 / 2", "int", 3],
    ["-7 / 2", "int", -3],
    ["-7 % 3", "int", -1],
    ["7 / 2.0", "float", 3.5],
    ["0xFFu", "u32", 255],
    ["0xFFFFFFFFu & 0x80000000u", "u32", 0x8000_0000],
    ["1u << 31u", "u32", 0x8000_0000],
    ["0x80000000u >> 30", "u32", 2],
    ["6 ^ 3 | 8", "int", 13],
    ["n / 5", "u32", 2],
    ["min(n, 8)", "u32", 8],
    ["u32(2.9)", "u32", 2],
    ["i32(n)", "i32", 12],
    ["0.1f", "f32", Math.fround(0.1)],
    ["1e3", "float", 1000],
    ["n >= 12 && !(n != 12)", "bool", 1],
    ["true || false", "bool", 1],
  ])("%s is %s %d", (text, type, value) => {
    expect(evaluated(text)).toEqual({ type, value });
  });

  it.each([
    "",
    "n +",
    "missing",
    "n + 1i",
    "n + 1.0",
    "0u - 1u",
    "0xFFFFFFFFu + 1u",
    "0xFFFFFFFFu << 1u",
    "1 / 0",
    "1 % 0",
    "-n",
    "~1",
    "n.x",
    "n[0]",
    "max(1, 2)",
    "min(1)",
    "select(1, 2, true)",
    "u32(-1)",
    "0x1p4",
    "-1 & 3",
    "true + true",
    "1 2",
    "(".repeat(5000),
    "-".repeat(5000),
  ])("leaves %j to the device", (text) => {
    expect(evaluated(text)).toBeUndefined();
  });
});
