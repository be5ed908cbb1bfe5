import { type ComputeError, isComputeError } from "@kiln-gpu/core";
import { loadProgram } from "@kiln-gpu/shader";
import { describe, expect, it } from "vitest";
import { readCorpus } from "./corpus.js";

const corpus = await readCorpus();

function moduleOf(source: string, compiler: string): Uint8Array {
  const module = corpus.find((each) => each.source === source && each.compiler === compiler);
  if (!module) throw new Error(`There is no ${source} by ${compiler}.`);
  return module.spirv.slice();
}

async function refusalOf(spirv: Uint8Array): Promise<ComputeError> {
  const error = await loadProgram({ spirv }, 'Kernel "k"').catch((reason: unknown) => reason);
  if (!isComputeError(error, "unsupported-shader")) throw new Error(`Not refused: ${error}`);
  return error;
}

const places: readonly [source: string, instruction: string, line: number, text: string][] = [
  ["float-atomics", "OpAtomicFAddEXT", 5, "void main() { atomicAdd(y[0], 1.0); }"],
  [
    "image",
    "OpImageWrite",
    8,
    "  shade = x[i]; alpha = x[i + 1u]; imageStore(image, ivec2(i, 0), vec4(vec3(shade), alpha));",
  ],
  ["switch-fall-through", "OpSwitch", 8, "  switch (v & 3) {"],
];
const compilers = ["glslang-lines", "shaderc-lines", "glslang-debug-info"];
const cases = compilers.flatMap((compiler) => places.map((place) => [compiler, ...place] as const));

describe("what is refused in a module with debug lines", () => {
  it.each(cases)("is told with its file, line and text: %s, %s", async (compiler, source, instruction, line, text) => {
    const { message, diagnostics } = await refusalOf(moduleOf(source, compiler));
    const indent = text.length - text.trimStart().length;
    const file = `${source}.comp`;
    expect(diagnostics).toEqual([
      { message: message.split("\n")[0], file, line, column: indent + 1, length: text.length - indent, source: text },
    ]);
    const [told, place, ...shown] = message.split("\n");
    expect(told).toMatch(new RegExp(`${instruction} at byte \\d+`, "u"));
    expect(told).toContain(place!.slice(`  ${file}:${line}:${indent + 1}: `.length));
    expect(place).toMatch(new RegExp(`^ {2}${file}:${line}:${indent + 1}: ${instruction} at byte \\d+$`, "u"));
    expect(shown).toEqual([`    ${text}`, `    ${" ".repeat(indent)}${"^".repeat(text.length - indent)}`]);
  });

  it("is told with its line alone where the module has neither name nor text", async () => {
    const { message, diagnostics } = await refusalOf(moduleOf("image", "glslang-2019-lines"));
    expect(diagnostics).toMatchObject([{ line: 8, column: 0, length: 0, source: "" }]);
    expect(message).toMatch(/\n {2}Kernel "k":8: OpImageWrite at byte \d+$/u);
  });

  it("is told without a place where the module has none", async () => {
    const { message, diagnostics } = await refusalOf(moduleOf("image", "glslang"));
    expect(diagnostics).toEqual([]);
    expect(message).not.toContain("\n");
  });

  it("has a caret under the column, where the compiler wrote one", async () => {
    const spirv = moduleOf("image", "glslang-lines");
    const words = new Uint32Array(spirv.buffer);
    words[lineOpcode(words, 8) + 3] = 14;
    const { message, diagnostics } = await refusalOf(spirv);
    expect(diagnostics).toMatchObject([{ line: 8, column: 14, length: 1 }]);
    expect(message).toMatch(/\n {4}\s+shade = x\[i\].*\n {17}\^$/u);
  });

  it("has no place after the line has ended", async () => {
    const spirv = moduleOf("image", "glslang-lines");
    const words = new Uint32Array(spirv.buffer);
    const [noLine, nop] = [(1 << 16) | 317, 1 << 16];
    words.set([noLine, nop, nop, nop], lineOpcode(words, 8));
    expect((await refusalOf(spirv)).diagnostics).toEqual([]);
  });

  it("has no text where that numbers its lines itself", async () => {
    const spirv = moduleOf("image", "glslang-lines");
    const at = new TextDecoder("latin1").decode(spirv).indexOf("  float shade, unused, alpha;");
    spirv.set(new TextEncoder().encode("#line 8".padEnd(29)), at);
    expect((await refusalOf(spirv)).diagnostics).toMatchObject([{ file: "image.comp", line: 8, source: "" }]);
  });
});

/** The index of the `OpLine` that says `line`. */
function lineOpcode(words: Uint32Array, line: number): number {
  const header = 5;
  for (let at = header; at < words.length; at += words[at]! >>> 16) {
    if ((words[at]! & 0xffff) === 8 && words[at + 2] === line) return at;
  }
  throw new Error(`There is no line ${line}.`);
}
