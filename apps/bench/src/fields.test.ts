import { expect, test } from "vitest";
import { adding, fieldsInTurn, randomFields } from "./fields.js";
import { Stopwatch } from "./stopwatch.js";

test("fields are random, never zero, and come with their sum", () => {
  const { a, b, expected } = randomFields(100);
  for (let i = 0; i < 100; i += 1) {
    expect(a[i]! * b[i]!).toBeGreaterThan(0);
    expect(expected[i]).toBe(Math.fround(a[i]! + b[i]!));
  }
  expect(randomFields(100).a).not.toEqual(a);
});

test("two pairs of fields alternate, so that no result equals the previous one", () => {
  const next = fieldsInTurn(4);
  const [first, second, third] = [next(), next(), next()];
  expect(second.expected).not.toEqual(first.expected);
  expect(third).toBe(first);
});

test("each addition of a contender is checked", async () => {
  const next = fieldsInTurn(4);
  const stale = next().expected;
  const contender = adding("It", next, async () => stale);
  await expect(contender.run(new Stopwatch())).rejects.toThrow(`at [0]; got ${stale[0]}.`);
  await expect(contender.run(new Stopwatch())).resolves.toBeUndefined();
});
