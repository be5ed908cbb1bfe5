import { expect, test } from "vitest";
import { checkResult } from "./check-result.js";

const expected = Float32Array.of(1, -2, 3, 4);
const withThird = (value: number) => Float32Array.of(1, -2, value, 4);

test("a result that is right passes, and any other is named", () => {
  checkResult("It", expected, expected.slice());
  expect(() => checkResult("It", expected, withThird(0))).toThrow("It returns 0 at [2]; expected is 3.");
  expect(() => checkResult("It", expected, withThird(Number.NaN))).toThrow("It returns NaN at [2]");
  expect(() => checkResult("It", expected, new Float32Array(3))).toThrow("It returns 3 elements; expected are 4.");
});

test("a tolerance is a part of the element that is expected", () => {
  checkResult("It", expected, withThird(3.25), 0.1);
  checkResult("It", expected, Float32Array.of(1, -2.125, 3, 4), 0.1);
  expect(() => checkResult("It", expected, withThird(3.5), 0.1)).toThrow("It returns 3.5 at [2]");
  expect(() => checkResult("It", expected, withThird(Number.NaN), 0.1)).toThrow("It returns NaN at [2]");
});
