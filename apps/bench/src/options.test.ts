import { describe, expect, test } from "vitest";
import { formatSize } from "./format.js";
import { type BenchOptions, help, parseOptions, UsageError } from "./options.js";
import { comparison } from "./suites/comparison.js";
import { idle } from "./suites/idle.js";
import { transfer } from "./suites/transfer.js";
import { suites } from "./suites.js";

const K = 1024;
const M = K * K;
const defaults: BenchOptions = {
  suites: [comparison],
  sizes: undefined,
  large: false,
  iterations: undefined,
  backends: ["one-shot", "persistent"],
  adapter: undefined,
  software: false,
  json: undefined,
  html: undefined,
  compare: undefined,
  failBeyond: undefined,
};

test.each<[string, readonly string[], Partial<BenchOptions>]>([
  ["nothing", [], {}],
  ["one size", ["--sizes", "100"], { sizes: [100] }],
  ["sizes with units, in any case", ["--sizes", "1m,2K,3k,4,1M"], { sizes: [M, 2 * K, 3 * K, 4, M] }],
  ["sizes with blanks between", ["--sizes=64, 16"], { sizes: [64, 16] }],
  ["the least and the greatest size", ["--sizes", "1,256M"], { sizes: [1, 256 * M] }],
  ["large sizes too", ["--large"], { large: true }],
  ["one suite", ["--suite", "transfer"], { suites: [transfer] }],
  ["suites in the order given, each once", ["--suite", "idle,transfer,idle"], { suites: [idle, transfer] }],
  ["all suites", ["--suite", "all"], { suites }],
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
  [["--suite", "speed"], "--suite", '"speed"'],
  [["--suite", "idle,"], "--suite", '""'],
  [["--suite", "all,idle"], "--suite", '"all"'],
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
    '--iterations must be a whole number from 1 to 1000000; got "x".',
  );
  expect(() => parseOptions(["--backend", "x"])).toThrow('--backend must be one-shot, persistent or both; got "x".');
  expect(() => parseOptions(["--suite", "x"])).toThrow(
    '--suite must be "all" or a list of comparison,transfer,throughput,chain,compute,idle,cold,memory,scale; got "x".',
  );
  expect(() => parseOptions(["--sizes", "x"])).toThrow(
    '--sizes must be a list of numbers from 1 to 256M, such as 64,1K,4M; got "x".',
  );
});

describe("the help", () => {
  test.each(["suite", "sizes", "large", "iterations", "backend", "adapter", "software", "json", "help"])(
    "names --%s",
    (flag) => {
      expect(help).toMatch(new RegExp(`^  --${flag}\\b`, "m"));
    },
  );

  test.each(suites.map((suite) => [suite.name, suite] as const))("describes %s, with its defaults", (name, suite) => {
    const lines = help.split("\n");
    const i = lines.findIndex((line) => line.startsWith(`  ${name} `));
    expect(lines[i]).toContain(suite.description);
    expect(lines[i + 1]).toMatch(new RegExp(`--sizes ${suite.defaultSizes.map(formatSize).join(",")}$`));
    expect(lines[i + 2]).toContain(`--iterations ${suite.defaultIterations}: `);
  });

  test("fits a terminal of 120 columns", () => {
    for (const line of help.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });
});

test("reads what to compare with, and the loss that fails", () => {
  expect(parseOptions(["--compare", "old.json", "--fail-beyond", "7.5%"])).toMatchObject({
    compare: "old.json",
    failBeyond: 0.075,
  });
  expect(() => parseOptions(["--fail-beyond", "7%"])).toThrow("--fail-beyond needs --compare");
  for (const wrong of ["7", "x%", "-7%"]) {
    expect(() => parseOptions(["--compare", "old.json", `--fail-beyond=${wrong}`])).toThrow(`got "${wrong}".`);
  }
});
