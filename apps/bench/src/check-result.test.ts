import { expect, test } from "vitest";
import { checkResult } from "./check-result.js";

const expected = Float32Array.of(1, -2, 3, 4);
const withThird = (value: number) => Float32Array.of(1, -2, value, 4);

test("a right result passes, and a wrong one is reported with its place", () => {
  checkResult("It", expected, expected.slice());
  expect(() => checkResult("It", expected, withThird(0))).toThrow("It must return 3 at [2]; got 0.");
  expect(() => checkResult("It", expected, withThird(Number.NaN))).toThrow("It must return 3 at [2]; got NaN.");
  expect(() => checkResult("It", expected, new Float32Array(3))).toThrow("It must return 4 elements; got 3.");
});

test("a tolerance is relative to the expected element", () => {
  checkResult("It", expected, withThird(3.25), 0.1);
  checkResult("It", expected, Float32Array.of(1, -2.125, 3, 4), 0.1);
  expect(() => checkResult("It", expected, withThird(3.5), 0.1)).toThrow("It must return 3 at [2]; got 3.5.");
  expect(() => checkResult("It", expected, withThird(Number.NaN), 0.1)).toThrow("It must return 3 at [2]; got NaN.");
});
