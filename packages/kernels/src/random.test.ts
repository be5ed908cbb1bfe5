import { output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import {
  randomGenerator,
  randomNormalReference,
  randomUniform,
  randomUniformReference,
  randomWordsReference,
} from "./random.js";

/** Of philox4x32 with 10 rounds, from the file `kat_vectors` of the library Random123, which its authors wrote. */
test.each([
  [
    [0, 0],
    [0, 0, 0, 0],
    [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
  ],
  [
    [0xffff_ffff, 0xffff_ffff],
    [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff],
    [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
  ],
  [
    [0xa409_3822, 0x299f_31d0],
    [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
    [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
  ],
] as const)("the key %j encrypts the counter %j as its authors say", (key, counter, expected) => {
  expect([...randomWordsReference(4, { key, counter })]).toEqual([...expected]);
});

test("blocks follow each other, beyond 32 bits of the counter", () => {
  const words = randomWordsReference(11, randomGenerator(7, 3, 2 ** 32 - 1));
  expect([...words.subarray(4)]).toEqual([...randomWordsReference(7, randomGenerator(7, 3, 2 ** 32))]);
  expect(randomGenerator(2 ** 32 + 7, 2 ** 33, 5)).toEqual({ key: [7, 1], counter: [5, 0, 0, 2] });
});

test("uniform numbers are below 1, and have the mean and the variance that they must have", () => {
  const numbers = randomUniformReference(100_000, randomGenerator(1));
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  expect(momentsOf(numbers)).toEqual({ mean: expect.closeTo(0.5, 2), variance: expect.closeTo(1 / 12, 2) });
});

test("normal numbers have a mean of 0 and a variance of 1", () => {
  const numbers = randomNormalReference(100_000, randomGenerator(1));
  expect(momentsOf(numbers)).toEqual({ mean: expect.closeTo(0, 1), variance: expect.closeTo(1, 1) });
  expect([...randomNormalReference(3, randomGenerator(1))]).toEqual([...numbers.subarray(0, 3)]);
});

test("a thread computes four numbers", () => {
  const passesOf = (length: number) =>
    randomUniform.passes({ generator: randomGenerator(0), results: output(Float32Array, length) });
  expect(passesOf(8)).toEqual([{ program: "aligned", threads: 2 }]);
  expect(passesOf(9)).toEqual([{ program: "unaligned", threads: 3 }]);
});

test.each([
  ["seed", [-1], "-1"],
  ["stream", [0, 0.5], "0.5"],
  ["block", [0, 0, 2 ** 53], "9007199254740992"],
] as const)("refuses a %s that is not a whole number", (name, [seed, stream, block], got) => {
  expect(() => randomGenerator(seed, stream, block)).toThrow(
    `randomGenerator: "${name}" must be a whole number from 0 to 2^53 - 1; got ${got}.`,
  );
});

function momentsOf(numbers: Float32Array) {
  const meanOf = (power: number) => numbers.reduce((total, number) => total + number ** power, 0) / numbers.length;
  return { mean: meanOf(1), variance: meanOf(2) - meanOf(1) ** 2 };
}
