/** The parts of the bench and of the playground that need no browser. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { chartsOf, overlaid, phasesOf, ratiosOf } from "../app/bench/charts.js";
import { linkTextOf, measuredIn, parseResult, resultOfLink } from "../app/bench/results.js";
import { verdictOf } from "../app/bench/verdict.js";
import { fromLinkText, toLinkText } from "../app/link.js";
import { codeOf } from "../app/play/code.js";
import { npyOf } from "../app/play/files.js";
import { checkedProgram } from "../app/play/program.js";
import { parseElements, parseUniform } from "../app/play/values.js";

const text = readFileSync(new URL("../../../docs/results/2026-11-22-h200.json", import.meta.url), "utf8");
const recorded = parseResult(text);
const measured = measuredIn(recorded)!;

describe("links", () => {
  test("carry plain data, in letters that a link may have", async () => {
    const value = { text: "ü¿漢", list: [1.5, -2], nested: { isTrue: true } };
    const link = await toLinkText(value);
    expect(link).toMatch(/^[\w-]+$/);
    expect(await fromLinkText(link)).toEqual(value);
  });

  test.each(["", "AAAA", "%%%"])("that are damaged are refused: %j", async (link) => {
    await expect(fromLinkText(link)).rejects.toThrow("This link is damaged");
  });

  test("are not unpacked without bound", async () => {
    const bomb = await toLinkText("a".repeat(2 ** 21));
    expect(bomb.length).toBeLessThan(10_000);
    await expect(fromLinkText(bomb)).rejects.toThrow("more than 1048576 bytes");
  });

  test("to a result are short, and say the same", async () => {
    const link = await linkTextOf(recorded);
    expect(link.length).toBeLessThan(4096);
    expect(verdictOf(measuredIn(await resultOfLink(link))!)).toEqual(verdictOf(measured));
  });

  test.each([[{}], [{ device: { name: "x" } }], [[1]], [null]])("to something else are refused: %j", async (value) => {
    await expect(resultOfLink(await toLinkText(value))).rejects.toThrow("Expected a link to a result");
  });
});

test("a file that is no result is refused", () => {
  expect(() => parseResult("no")).toThrow("got text that is no JSON");
  expect(() => parseResult("{}")).toThrow("got another file");
});

describe("the recorded run of an H200", () => {
  test("is drawn with a line for each way and a place for each size", () => {
    const [chart] = chartsOf(measured);
    expect(chart!.x).toEqual([64, 1024, 4096, 16384, 65536, 1048576, 4194304]);
    expect(chart!.lines.map(({ name }) => name)).toContain("Kiln, warm call");
    for (const { values } of chart!.lines) expect(values).toHaveLength(7);
  });

  test("has phases that make up its calls", () => {
    const phases = phasesOf(measured);
    expect(phases).toHaveLength(3);
    for (const { totalMs, parts } of phases) {
      const sum = parts.reduce((total, part) => total + part.ms, 0);
      expect(sum).toBeLessThanOrEqual(totalMs);
      expect(sum).toBeGreaterThan(totalMs / 2);
    }
  });

  test("meets the targets, and beats a plain loop at 64K", () => {
    const said = verdictOf(measured).join(" ");
    expect(said).toContain("1338x");
    expect(said).toContain("All 5 targets");
    expect(said).toContain("From 64K elements on");
  });

  test("is as long as itself", () => {
    const [chart] = chartsOf(measured);
    for (const { ratios } of ratiosOf(chart!, chart!)) expect(ratios.filter((ratio) => ratio !== 1)).toEqual([]);
    const both = overlaid(chart!, { ...chart!, x: chart!.x.slice(0, -1) });
    expect(both.lines).toHaveLength(10);
    // The other run lacks the last size.
    expect(both.lines[5]!.values[0]).toBe(chart!.lines[0]!.values[0]);
    expect(both.lines[5]!.values.at(-1)).toBeNull();
  });
});

describe("the fields of the playground", () => {
  test.each([
    ["1, 2, 3", [1, 2, 3]],
    ["[1 2;3]", [1, 2, 3]],
    ["ramp(3)", [0, 1, 2]],
    ["ramp(3, 0.5)", [0, 0.5, 1]],
    ["zeros(2)", [0, 0]],
  ])("read %s", (given, expected) => {
    expect([...parseElements(given, "f32")]).toEqual(expected);
  });

  test("read the same random numbers for the same seed", () => {
    const random = parseElements("random(1, 1000)", "f32");
    expect(parseElements("random(1, 1000)", "f32")).toEqual(random);
    expect(parseElements("random(2, 1000)", "f32")).not.toEqual(random);
    const mean = Array.from(random).reduce((sum, value) => sum + value, 0) / 1000;
    expect(mean).toBeGreaterThan(0.45);
    expect(mean).toBeLessThan(0.55);
  });

  test.each(["", "1, two", "ramp(x)", "ramp(0)", "zeros(99999999999)"])("refuse %j", (given) => {
    expect(() => parseElements(given, "f32")).toThrow();
  });

  test("read uniforms", () => {
    const scalar = { kind: "scalar", scalar: "f32", byteLength: 4 } as const;
    const vector = { kind: "vector", scalar: "f32", components: 2, byteLength: 8 } as const;
    expect(parseUniform("2", scalar)).toBe(2);
    expect(parseUniform("1, 2", vector)).toEqual([1, 2]);
    expect(parseUniform("[[1]]", vector)).toEqual([[1]]);
    expect(() => parseUniform("two", scalar)).toThrow('got "two"');
    expect(() => parseUniform("{", scalar)).toThrow("no JSON");
  });
});

test("a program of a link keeps what it may have, and nothing else", () => {
  const program = {
    v: 1,
    wgsl: "x",
    inputs: { a: "1", b: 2 },
    outputs: { y: 4, z: -1 },
    view: { tab: "other" },
    more: 1,
  };
  expect(checkedProgram(program)).toEqual({
    v: 1,
    wgsl: "x",
    inputs: { a: "1" },
    outputs: { y: 4 },
    constants: {},
    threads: "",
    view: { tab: "table" },
  });
  for (const other of [null, {}, { v: 2, wgsl: "x" }, { v: 1 }])
    expect(() => checkedProgram(other)).toThrow("no shader");
});

test("an array goes to NumPy as a file of its version 1.0", () => {
  const file = npyOf(new Float32Array([1, 2]), "f32");
  expect([...file.subarray(0, 8)]).toEqual([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0]);
  const head = new TextDecoder("latin1").decode(file.subarray(10, 128));
  expect(head.trimEnd()).toBe("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }");
  expect(head).toMatch(/ \n$/);
  expect([...new Float32Array(file.buffer.slice(128))]).toEqual([1, 2]);
});

test("the code of a run escapes the shader's text", () => {
  const layout = {
    kind: "array",
    element: { kind: "scalar", scalar: "f32", byteLength: 4 },
    stride: 4,
    count: 0,
    byteLength: 0,
  } as const;
  const binding = { name: "y", group: 0, binding: 0, kind: "storage", access: "read-write", layout } as const;
  const entry = { name: "main", workgroupSize: [64, 1, 1], bindings: [binding] } as const;
  const wgsl = ["// `$", "{a}` \\n"].join("");
  const program = checkedProgram({ v: 1, wgsl, outputs: { y: 4 }, threads: "8, 8" });
  const code = codeOf(program, entry, 1);
  const [, literal] = /wgsl: (`[\s\S]*?[^\\]`),/.exec(code)!;
  expect(new Function(`return ${literal}`)().trim()).toBe(wgsl);
  expect(code).toContain("{ y: output(Float32Array, 4) }, { threads: [8, 8] },");
});
