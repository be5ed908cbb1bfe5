import { describe, expect, it } from "vitest";
import { type ConstantScope, evaluate } from "./constant-expression.js";
import { scanTokens } from "./scan-tokens.js";

const scope: ConstantScope = {
  valueOf: (name) => (name === "n" ? { type: "u32", value: 12 } : undefined),
  declares: (name) => name === "max",
  depth: 0,
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
    ["u32(-1i)", "u32", 4294967295],
    ["i32(0xFFFFFFFEu)", "i32", -2],
    ["0.1f", "f32", Math.fround(0.1)],
    ["1e3", "float", 1000],
    ["n >= 12 && !(n != 12)", "bool", 1],
    ["true || false", "bool", 1],
    ["-6 & 7 | 8", "int", 10],
    ["0xFFFFFFFFFF & 0xFF00000000", "int", 0xff00000000],
    ["~5", "int", -6],
    ["~5u", "u32", 4294967290],
    ["-5i >> 1", "i32", -3],
    ["1 << 40 >> 38", "int", 4],
    ["abs(-3) + sign(-9)", "int", 2],
    ["clamp(n, 1, 8)", "u32", 8],
    ["select(1, n, n > 3)", "u32", 12],
    ["countOneBits(0xF0u) + countLeadingZeros(1u) + countTrailingZeros(8u)", "u32", 38],
    ["u32(ceil(7.0 / 2)) + u32(floor(1.9f)) + u32(trunc(2.5h))", "u32", 7],
    ["0x1.8p3", "float", 12],
    ["0xA.8p-1f", "f32", 5.25],
    ["vec3(1, 2, 3).z", "int", 3],
    ["vec3u(4)[1u]", "u32", 4],
    ["(vec2(1, 2.5) * 2).y", "float", 5],
    ["min(vec2(3, n), vec2<u32>(5)).y", "u32", 5],
    ["vec4(vec2i(1, 2), 3, 4).wzyx.xy.y", "i32", 3],
    ["vec2f().x", "f32", 0],
    ["bool(2) && !bool(0.0)", "bool", 1],
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
    "n.x",
    "vec2(1, 2).z",
    "vec2(1, 2).xr",
    "vec2(1, 2)[2]",
    "vec2(1, 2)[-1]",
    "vec2(1, 2, 3).x",
    "vec3(vec2(1, 2)).x",
    "vec2(1u, 2i).x",
    "(vec2(1) + vec3(1)).x",
    "vec2<n>(1).x",
    "array(1, 2)[0]",
    "0.1h + 0.2h",
    "1e-7h",
    "log2(8.0)",
    "floor(1)",
    "0x1.00000001p0f",
    "clamp(1, 2)",
    "constructor(1)",
    "select(1, 2, 3)",
    "1u << 32u",
    "n[0]",
    "max(1, 2)",
    "min(1)",
    "u32(-1)",
    "true + true",
    "1 2",
    "(".repeat(5000),
    "-".repeat(5000),
  ])("leaves %j to the device", (text) => {
    expect(evaluated(text)).toBeUndefined();
  });
});
