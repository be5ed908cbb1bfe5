import { expect, test } from "vitest";
import { defineKernel } from "../kernel/kernel.js";
import { takeRun } from "./take-run.js";

const kernel = defineKernel({ label: "k", wgsl: "" as string });

test("a run's options and sizes are taken with its bindings", () => {
  const workgroups: [number, number] = [1, 2];
  const options = { workgroups, profile: true };
  const taken = takeRun(kernel, { n: 3 }, options);
  workgroups[0] = 9;
  options.profile = false;
  expect(taken.size).toEqual({ workgroups: [1, 2] });
  expect(taken.options.profile).toBe(true);
  expect(takeRun(kernel, { n: 3 }, { threads: ({ n }) => [n as number, 2] }).size).toEqual({ threads: [3, 2] });
});

test("a function for `threads` that fails is named", () => {
  expect(() => takeRun(kernel, {}, { threads: ({ x }) => (x as never as { length: number }).length })).toThrow(
    expect.objectContaining({
      code: "invalid-option",
      message: expect.stringMatching(/^Kernel "k": its function `threads` threw TypeError: /),
      cause: expect.any(TypeError),
    }),
  );
});
