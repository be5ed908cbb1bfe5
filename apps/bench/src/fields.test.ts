import { expect, test } from "vitest";
import { checkSum, randomFields } from "./fields.js";

test("fields are different each time, never zero, and come with their sum", () => {
  const { a, b, expected } = randomFields(100);
  for (let i = 0; i < 100; i += 1) {
    expect(a[i]! * b[i]!).toBeGreaterThan(0);
    expect(expected[i]).toBe(Math.fround(a[i]! + b[i]!));
  }
  expect(randomFields(100).a).not.toEqual(a);
});

test("a result that is right passes, and any other is named", () => {
  const fields = randomFields(4);
  checkSum("It", fields, fields.expected.slice());
  const wrong = fields.expected.slice();
  wrong[2] = 0;
  expect(() => checkSum("It", fields, wrong)).toThrow(`It returns 0 at [2]; expected is ${fields.expected[2]}.`);
  wrong[2] = Number.NaN;
  expect(() => checkSum("It", fields, wrong)).toThrow("It returns NaN at [2]");
  expect(() => checkSum("It", fields, new Float32Array(3))).toThrow("It returns 3 elements; expected are 4.");
});
