import { describe, expect, test } from "vitest";
import { checkOptionNames, likelyName, optionNames } from "./check-options.js";

const names = optionNames<{ signal?: AbortSignal; timeoutMs?: number; byteBudget?: number }>({
  signal: true,
  timeoutMs: true,
  byteBudget: true,
});

describe("options", () => {
  test.each<[object]>([[{}], [{ signal: undefined }], [{ timeoutMs: 3, byteBudget: 4 }]])("%j are known", (options) => {
    expect(() => checkOptionNames("stop", options, names)).not.toThrow();
  });

  test.each<[unknown, string]>([
    [{ timeout: 3 }, 'stop takes no option "timeout"; did you mean "timeoutMs"?'],
    [{ colour: 3 }, 'stop takes no option "colour"; its options are "signal", "timeoutMs", "byteBudget".'],
    [{ signal: undefined, singal: undefined }, 'stop takes no option "singal"; did you mean "signal"?'],
    [3, "stop takes its options as an object; got 3."],
    [null, "stop takes its options as an object; got null."],
  ])("%j are refused", (options, message) => {
    expect(() => checkOptionNames("stop", options, names)).toThrow(
      expect.objectContaining({ code: "invalid-option", message }),
    );
  });
});

test.each<[string, string | undefined]>([
  ["timeoutms", "timeoutMs"],
  ["timeout", "timeoutMs"],
  ["tiemoutMs", "timeoutMs"],
  ["abortSignal", "signal"],
  ["budget", "byteBudget"],
  ["x", undefined],
  ["", undefined],
  ["constructor", undefined],
])("%j most resembles %j", (given, likely) => {
  expect(likelyName(given, names)).toBe(likely);
});
