import { describe, expect, it } from "vitest";
import { parseOptions, UsageError } from "./options.js";

describe("the options", () => {
  it("have defaults", () => {
    expect(parseOptions([])).toEqual({
      minutes: 30,
      lossesPerMinute: 45,
      cancellationsPerSecond: 70,
      everySeconds: 10,
      adapter: undefined,
      software: false,
      json: undefined,
      svg: undefined,
    });
  });

  it("are parsed, also after the `--` that pnpm passes on", () => {
    const given = ["--", "--minutes", "0.5", "--losses-per-minute", "0", "--software", "--svg", "soak.svg"];
    expect(parseOptions(given)).toMatchObject({ minutes: 0.5, lossesPerMinute: 0, software: true, svg: "soak.svg" });
  });

  it.each([
    [["--minutes", "none"], /--minutes must be a number from 0\.01 to 1000000; got "none"/],
    [["--losses-per-minute", "-1"], /losses-per-minute/],
    [["--forever"], /--forever/],
  ])("are refused by name: %s", (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(message);
  });
});
