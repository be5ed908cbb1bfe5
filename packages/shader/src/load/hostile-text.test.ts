import { isComputeError, type Program } from "@kiln-gpu/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadProgram, splitVariant } from "../index.js";

const runs = process.env.KILN_LONG ? 100_000 : 3000;
const many = process.env.KILN_LONG ? 150_000 : 40_000;

/** Everything that is done with a text before a device sees it: its error, where it has one. */
async function load(wgsl: string, rest: Pick<Program, "constants"> = {}): Promise<string> {
  try {
    const loaded = await loadProgram({ wgsl, ...rest }, 'Kernel "k"');
    const { splittable } = loaded.interface;
    if (typeof splittable !== "string") splitVariant(loaded, { ...splittable, type: "uniform" });
    return "loads";
  } catch (error) {
    if (!isComputeError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const main = (body = "", size = "1") =>
  `@compute @workgroup_size(${size}) fn main(@builtin(global_invocation_id) id: vec3u) { ${body} }`;
const bound = (type: string) => `@group(0) @binding(0) var<storage> q: ${type};\n${main("_ = &q;")}`;
const lines = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");

describe("any text gives a result or a ComputeError", () => {
  it("of random characters", async () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.string());
    await fc.assert(
      fc.asyncProperty(text, fc.boolean(), async (random, isBody) => {
        await load(isBody ? main(random) : random);
      }),
      { numRuns: runs },
    );
  });

  it("of words of the language", async () => {
    const words =
      "@ ( ) { } [ ] < > , ; : . = + - * / ~ & | ^ ! % 0 1 0x1p3f 1e9 1u struct alias const override var fn for if let return " +
      "array vec3f mat2x2h f32 atomic u32 storage uniform read_write workgroup group binding id align size compute " +
      "workgroup_size builtin global_invocation_id q S T n main select vec2 min // /* */";
    const word = fc.constantFrom(...words.split(" "), "\n", "\u2028", "\u0000", "\ud800");
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 60 }), fc.boolean(), async (list, isType) => {
        const text = list.join(" ");
        await load(isType ? `struct S { ${text} }${bound("S")}` : text);
        await load(`override n = ${text}; const c = ${text};${main("", "n + c")}`, { constants: { n: 1 } });
      }),
      { numRuns: runs },
    );
  });
});

describe("text that is large or deep loads, or is refused, in time that grows as its length", () => {
  const chain = lines(many, (i) => `const c${i} = c${i + 1};`);
  const nested = lines(90, (i) => `const c${i} = ${"(".repeat(90)}c${i + 1}${")".repeat(90)};`);
  const doubled = lines(60, (i) => `struct S${i} { a: S${i + 1}, b: S${i + 1} }`);
  const summed = lines(400, (i) => `const c${i} = c${i + 1} + c${i + 1} + c${i + 1};`);
  const bindings = lines(20_000, (i) => `@group(0) @binding(${i}) var<storage> b${i}: S;`);
  const structOf = (count: number) => `struct S { ${lines(count, (i) => `m${i}: u32,`)} }`;

  it.each<[what: string, wgsl: string, outcome: string]>([
    ["constants of constants", `${chain} const c${many} = 1;${main("", "c0")}`, "Kiln does not evaluate"],
    ["constants of nested constants", `${nested} const c90 = 1;${main("", "c0")}`, "Kiln does not evaluate"],
    ["constants that are used again and again", `${summed} const c400 = 0;${main("", "c0 + 1")}`, "loads"],
    [
      "brackets in a constant",
      `const c = ${"(".repeat(many)}1${")".repeat(many)};${main("", "c")}`,
      "Kiln does not evaluate",
    ],
    ["signs in a constant", main("", `${"-".repeat(many)}1`), "Kiln does not evaluate"],
    ["calls in a constant", main("", `${"min(".repeat(many)}1`), 'where "," or ")" is expected'],
    ["terms in a constant", main("", `1${" + 1 - 1".repeat(many)}`), "loads"],
    ["components of a vector", main("", `vec2(1u${", 1i, 1u".repeat(many)}).x`), "Kiln does not evaluate"],
    ["digits", main("", "9".repeat(many)), "Kiln does not evaluate"],
    ["structs of structs", `${doubled} struct S60 { a: u32 }${bound("S0")}`, "more than 65536 parts"],
    ["arrays of arrays", bound(`${"array<".repeat(many)}u32${", 1>".repeat(many)}`), "deeper than 64"],
    ["aliases of aliases", `${lines(many, (i) => `alias A${i} = A${i + 1};`)}${bound("A0")}`, "deeper than 64"],
    ["members", `${structOf(60_000)}${bound("S")}`, "loads"],
    [
      "bindings of a large struct",
      `${structOf(20_000)}${bindings}${main(lines(20_000, (i) => `_ = &b${i};`))}`,
      "loads",
    ],
    ["blocks", main(`${"{".repeat(many)}${"q = id.x;".repeat(many)}${"}".repeat(many)}`), "loads"],
    ["loops", main(`${"for (;;) ".repeat(many)}{ ${"q = id.x;".repeat(many)} }`), "loads"],
    ["brackets", main("(".repeat(many)), "loads"],
    ["braces", `fn main() ${"{".repeat(many)}`, "is expected"],
    ["comments", "/*".repeat(many), "does not end"],
    ["attributes", `${"@a(1)".repeat(many)}${main()}`, "loads"],
    ["templates", `const c = ${"a<".repeat(many)}1;${main()}`, "loads"],
    ["comparisons", `const c = (${"a < b, ".repeat(many)}1);${main("", "c")}`, "Kiln does not evaluate"],
    [
      "uses of a grid builtin",
      `struct G { @builtin(workgroup_id) w: vec3u }\n${main()
        .replace("@builtin(global_invocation_id) id: vec3u", "g: G")
        .replace("{ ", `{ ${"_ = g.w;".repeat(many)}`)}`,
      "loads",
    ],
    [
      "entry points",
      lines(20_000, (i) => `@compute @workgroup_size(1) fn f${i}() {}`),
      "has 20000 compute entry points",
    ],
    ["hexadecimal digits", main("", `0x${"9".repeat(many)}.9p1`), "Kiln does not evaluate"],
    ["text", `${main()}${" ".repeat(2 ** 22)}`, "at most 4194304"],
  ])("%s", async (_, wgsl, outcome) => {
    expect(await load(wgsl)).toContain(outcome);
  });

  it("constants that the program sets", async () => {
    const wgsl = `${lines(20_000, (i) => `override o${i} = ${i};`)}${main()}`;
    const constants = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`o${i}`, 1]));
    expect(await load(wgsl, { constants })).toBe("loads");
  });
});

// It measures memory, so it is part of the long form alone.
it.runIf(process.env.KILN_LONG)("keeps nothing of the texts that it has read", async () => {
  const wgsl = `struct S { ${lines(500, (i) => `m${i}: u32,`)} }${bound("S")}`;
  const after = async (count: number) => {
    for (let i = 0; i < count; i += 1) await load(`${wgsl} // ${i}`);
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  const before = await after(50);
  // One text kept, with its tokens, is 100 KB and more.
  expect((await after(300)) - before).toBeLessThan(300 * 20_000);
});
