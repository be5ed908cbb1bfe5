import type { DeviceInfo } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { countSteps, type Step, sizesFor } from "./suite.js";
import { transfer } from "./suites/transfer.js";
import { suites } from "./suites.js";

const K = 1024;
const M = K * K;
const on = (isSoftware: boolean) => ({ isSoftware }) as DeviceInfo;
const powersOf4 = [64, 256, K, 4 * K, 16 * K, 64 * K, 256 * K, M, 4 * M, 16 * M];

test.each<[string, boolean, readonly number[] | undefined, boolean, readonly number[]]>([
  ["its own on a GPU", false, undefined, false, powersOf4],
  ["its own up to 1M on a software GPU", true, undefined, false, powersOf4.slice(0, 8)],
  ["those given, in order and each once", false, [256, 64, 256], false, [64, 256]],
  ["those given, also on a software GPU", true, [4 * M], false, [4 * M]],
  ["large ones on top", true, [64, M], true, [64, M, 4 * M]],
])("a suite takes %s", (_, isSoftware, sizes, large, expected) => {
  expect(sizesFor(transfer, { sizes, large }, on(isSoftware))).toEqual(expected);
});

test("all suites have different names", () => {
  const names = suites.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test("steps are counted", () => {
  const steps: Step[] = [];
  const step = countSteps({ step: (next) => steps.push(next) }, 2);
  step("first", 64);
  step("second");
  expect(steps).toEqual([
    { text: "first", size: 64, done: 0, total: 2 },
    { text: "second", done: 1, total: 2 },
  ]);
});

test("no step begins once the signal is aborted", () => {
  const steps: Step[] = [];
  const step = countSteps({ step: (next) => steps.push(next), signal: AbortSignal.abort(new Error("enough")) }, 2);
  expect(() => step("first")).toThrow("enough");
  expect(steps).toEqual([]);
});
