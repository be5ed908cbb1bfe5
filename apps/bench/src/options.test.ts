import { describe, expect, test } from "vitest";
import { type BenchOptions, formatSize, help, parseOptions, UsageError } from "./options.js";

const K = 1024;
const M = K * K;
const defaults: BenchOptions = {
  sizes: [64, K, 4 * K, 16 * K, 64 * K],
  iterations: 200,
  backends: ["one-shot", "persistent"],
  adapter: undefined,
  software: false,
  json: undefined,
};

test.each<[string, readonly string[], Partial<BenchOptions>]>([
  ["nothing", [], {}],
  ["one size", ["--sizes", "100"], { sizes: [100] }],
  ["sizes with units, in any case", ["--sizes", "1m,2K,3k,4,1M"], { sizes: [4, 2 * K, 3 * K, M] }],
  ["sizes in any order, each once", ["--sizes=64, 16,64,1024,1K"], { sizes: [16, 64, K] }],
  ["the least and the greatest size", ["--sizes", "1,256M"], { sizes: [1, 256 * M] }],
  ["large sizes too", ["--large"], { sizes: [...defaults.sizes, M, 4 * M] }],
  ["large sizes beside given ones", ["--large", "--sizes", "64,1M"], { sizes: [64, M, 4 * M] }],
  ["iterations", ["--iterations", "5"], { iterations: 5 }],
  ["the most iterations", ["--iterations=1000000"], { iterations: 1_000_000 }],
  ["one backend", ["--backend", "one-shot"], { backends: ["one-shot"] }],
  ["the other backend", ["--backend", "persistent"], { backends: ["persistent"] }],
  ["both backends", ["--backend", "both"], {}],
  ["an adapter", ["--adapter", "H200"], { adapter: "H200" }],
  ["the software GPU", ["--software"], { software: true }],
  ["a file", ["--json", "out.json"], { json: "out.json" }],
  ["what pnpm puts before", ["--", "--software"], { software: true }],
])("takes %s", (_, args, expected) => {
  expect(parseOptions(args)).toEqual({ ...defaults, ...expected });
});

test.each([[["--help"]], [["-h"]], [["--help", "--sizes", "nonsense"]]])("%j asks for help", (args) => {
  expect(parseOptions(args)).toBe("help");
});

test.each<[readonly string[], string, string]>([
  [["--sizes", "0"], "--sizes", '"0"'],
  [["--sizes", "64,-1"], "--sizes", '"-1"'],
  [["--sizes", "1.5K"], "--sizes", '"1.5K"'],
  [["--sizes", "1G"], "--sizes", '"1G"'],
  [["--sizes", "257M"], "--sizes", '"257M"'],
  [["--sizes", "64,,128"], "--sizes", '""'],
  [["--sizes", ""], "--sizes", '""'],
  [["--sizes", "64 128"], "--sizes", '"64 128"'],
  [["--iterations", "0"], "--iterations", '"0"'],
  [["--iterations", "1000001"], "--iterations", '"1000001"'],
  [["--iterations", "2.5"], "--iterations", '"2.5"'],
  [["--iterations", "many"], "--iterations", '"many"'],
  [["--iterations", ""], "--iterations", '""'],
  [["--backend", "vulkan"], "--backend", '"vulkan"'],
  [["--backend", ""], "--backend", '""'],
  [["--bogus"], "--bogus", "--bogus"],
  [["-x"], "-x", "-x"],
  [["64"], "64", "64"],
  [["--sizes"], "--sizes", "argument missing"],
  [["--json"], "--json", "argument missing"],
  [["--adapter", "--software"], "--adapter", "ambiguous"],
  [["--software=yes"], "--software", "does not take an argument"],
])("refuses %j and says why", (args, flag, given) => {
  const parse = () => parseOptions(args);
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(flag);
  expect(parse).toThrow(given);
});

test("says what is expected", () => {
  expect(() => parseOptions(["--iterations", "x"])).toThrow(
    '--iterations takes a whole number from 1 to 1000000; "x" is given.',
  );
  expect(() => parseOptions(["--backend", "x"])).toThrow('--backend takes one-shot, persistent or both; "x" is given.');
  expect(() => parseOptions(["--sizes", "x"])).toThrow(
    '--sizes takes numbers from 1 to 256M such as 64,1K,4M; "x" is given.',
  );
});

describe("the help", () => {
  test.each(["sizes", "large", "iterations", "backend", "adapter", "software", "json", "help"])(
    "names --%s",
    (flag) => {
      expect(help).toMatch(new RegExp(`^  --${flag}\\b`, "m"));
    },
  );

  test("states the defaults that are used", () => {
    const { sizes, iterations } = parseOptions([]) as BenchOptions;
    expect(help).toContain(`(default: ${sizes.map(formatSize).join(",")})`);
    expect(help).toContain(`(default: ${iterations})`);
  });
});

test.each([
  [64, "64"],
  [1000, "1000"],
  [K, "1K"],
  [K + 1, "1025"],
  [64 * K, "64K"],
  [1536 * K, "1536K"],
  [4 * M, "4M"],
])("writes %i as %s", (size, text) => {
  expect(formatSize(size)).toBe(text);
  expect((parseOptions(["--sizes", text]) as BenchOptions).sizes).toEqual([size]);
});
