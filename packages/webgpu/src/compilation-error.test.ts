import { describe, expect, it } from "vitest";
import { compilationError, usefulPart } from "./compilation-error.js";

const message = (type: GPUCompilationMessageType, text: string, lineNum: number, linePos: number, length: number) =>
  ({ type, message: text, lineNum, linePos, length, offset: 0 }) as GPUCompilationMessage;

const text = { label: 'Kernel "saxpy"', wgsl: "fn a() {}\nlet b = c;\n" };

it("is none where no message is an error", () => {
  expect(compilationError(text, [])).toBeUndefined();
  expect(
    compilationError(text, [message("warning", "unused", 1, 4, 1), message("info", "so", 1, 1, 1)]),
  ).toBeUndefined();
});

describe("a compilation error", () => {
  it("has one diagnostic for each error, with its line and with the notes that follow it", () => {
    const error = compilationError(text, [
      message("warning", "unused", 1, 4, 1),
      message("info", "of the warning", 1, 1, 1),
      message("error", "'c' is unknown", 2, 9, 1),
      message("info", "it may be 'a'", 1, 4, 1),
      message("error", "'let' is not allowed here", 2, 1, 3),
    ]);
    expect(error).toMatchObject({
      code: "shader-compilation",
      diagnostics: [
        { message: "'c' is unknown\nnote at 1:4: it may be 'a'", line: 2, column: 9, length: 1, source: "let b = c;" },
        { message: "'let' is not allowed here", line: 2, column: 1, length: 3, source: "let b = c;" },
      ],
    });
    expect(error!.message).toMatch(/^Kernel "saxpy" does not compile:\n {2}Kernel "saxpy":2:9: 'c' is unknown/);
  });

  it("has no place where the device names a line that the text does not have", () => {
    expect(compilationError(text, [message("error", "invalid character", 0, 0, 0)])).toMatchObject({
      diagnostics: [{ message: "invalid character", line: 0, column: 0, length: 0, source: "" }],
    });
  });

  it("names the file, and says whose lines they are if the text was translated", () => {
    const translated = { ...text, file: "saxpy.spv", translatedFrom: "SPIR-V" };
    expect(compilationError(translated, [message("error", "wrong", 2, 1, 1)])!.message).toMatch(
      /^Kernel "saxpy" does not compile; lines are those of its translation from SPIR-V:\n {2}translation of saxpy\.spv:2:1: wrong/,
    );
    expect(compilationError({ ...text, file: "saxpy.wgsl" }, [message("error", "wrong", 2, 1, 1)])!.message).toContain(
      "\n  saxpy.wgsl:2:1: wrong",
    );
  });
});

describe("the useful part of a message", () => {
  it("of Dawn is all of it", () => {
    const said = "unresolved value 'missing'";
    expect(usefulPart(said)).toBe(said);
  });

  it("of wgpu leaves out the drawing of the source", () => {
    const said = `
Shader 'Kernel "x"' parsing error: redefinition of \`a\`
  ┌─ wgsl:1:45
  │
1 │ @compute @workgroup_size(1) fn main() { let a = 1; let a = 2; }
  │                                             ^          ^ redefinition of \`a\`
  │                                             │           
  │                                             previous definition of \`a\`

`;
    expect(usefulPart(said)).toBe("redefinition of `a`");
  });

  it("of wgpu has what the error points at, and its reasons", () => {
    const drawing = (pointedAt: string) => `
Shader validation error: Entry point main at Compute is invalid
  ┌─ Kernel "x":2:41
  │
2 │ @compute @workgroup_size(1) fn main() { x[0] = 1.0; }
  │                                         ^^^^ ${pointedAt}
  │
  = The pointer [1] doesn't relate to a valid destination for a store

`;
    expect(usefulPart(drawing("writing to this location is not permitted"))).toBe(
      "Entry point main at Compute is invalid: writing to this location is not permitted: " +
        "The pointer [1] doesn't relate to a valid destination for a store",
    );
    expect(usefulPart(drawing("naga::ir::GlobalVariable [0]"))).toBe(
      "Entry point main at Compute is invalid: The pointer [1] doesn't relate to a valid destination for a store",
    );
  });
});
