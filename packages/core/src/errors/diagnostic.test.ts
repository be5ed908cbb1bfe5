import { describe, expect, test } from "vitest";
import { ComputeError } from "./compute-error.js";
import { type Diagnostic, diagnosticAt, linesOf, showDiagnostics } from "./diagnostic.js";

const shownLines = (diagnostic: Partial<Diagnostic>) =>
  showDiagnostics("saxpy", [{ message: "wrong", line: 3, column: 1, length: 1, source: "", ...diagnostic }]).split(
    "\n",
  );

describe("a diagnostic is shown", () => {
  test("with its place, its message, its line and a caret for each column that it is about", () => {
    expect(shownLines({ source: "let x = missing;", column: 9, length: 7 })).toEqual([
      "  saxpy:3:9: wrong",
      "    let x = missing;",
      "            ^^^^^^^",
    ]);
  });

  test.each<[string, string, number, number, string, string]>([
    ["after tabs", "\t\ta\tb;", 5, 1, "\t\ta\tb;", "\t\t \t^"],
    ["after characters of two code units, and two columns", "é\u{1F600} b;", 5, 1, "é\u{1F600} b;", "    ^"],
    ["after characters of two columns", "漢字 b;", 4, 1, "漢字 b;", "     ^"],
    ["after a character that combines", "e\u0301 b;", 4, 1, "e\u0301 b;", "  ^"],
    ["of two columns itself", "漢 b", 1, 1, "漢 b", "^^"],
    ["that is between two characters", "a b", 2, 0, "a b", " ^"],
    ["at the end of its line", "a b", 4, 1, "a b", "   ^"],
    ["beyond the end of its line", "a b", 99, 9, "a b", "   ^"],
    ["that ends on a later line", "a b", 3, 99, "a b", "  ^"],
    ["after what a terminal would obey", "\u001b[2J\u202e\u0000b", 7, 1, "\ufffd[2J\ufffd\ufffdb", "      ^"],
    ["in the middle of a character", "\u{1F600}b", 2, 1, "\u{1F600}b", " ^"],
  ])("%s", (_, source, column, length, line, carets) => {
    expect(shownLines({ source, column, length }).slice(1)).toEqual([`    ${line}`, `    ${carets}`]);
  });

  test("within a piece of a long line, wherever it is there", () => {
    const words = Array.from({ length: 10_000 }, (_, i) => `w${i} `);
    const source = words.join("");
    for (const i of [0, 1, 20, 30, 40, 5000, 9960, 9998, 9999]) {
      const column = words.slice(0, i).join("").length + 1;
      const [place, line, carets] = shownLines({ source, column, length: words[i]!.length - 1 });
      expect(place).toBe(`  saxpy:3:${column}: wrong`);
      expect(line!.length).toBeLessThan(200);
      const at = carets!.indexOf("^");
      expect(line!.slice(at, carets!.length)).toBe(`w${i}`);
    }
    expect(shownLines({ source, column: 1, length: source.length })[2]!.length).toBeLessThan(200);
  });

  test("without a line where it has no place", () => {
    expect(shownLines({ line: 0 })).toEqual(["  saxpy: wrong"]);
  });

  test("with all lines of its message, up to a bound", () => {
    expect(shownLines({ line: 0, message: "wrong\n  because\n" })).toEqual(["  saxpy: wrong", "    because"]);
    expect(shownLines({ line: 0, message: "x".repeat(1e6) })[0]!.length).toBeLessThan(2100);
  });
});

test("of many diagnostics the first five are shown, and the rest counted", () => {
  const many = Array.from({ length: 8 }, (_, i) => ({ message: `m${i}`, line: 0, column: 0, length: 0, source: "" }));
  expect(showDiagnostics("k", many).split("\n")).toEqual([
    ...many.slice(0, 5).map(({ message }) => `  k: ${message}`),
    "  ... and 3 more",
  ]);
  expect(showDiagnostics("k", many.slice(0, 5))).not.toContain("more");
});

test("lines end where WGSL ends them", () => {
  expect(linesOf("a\nb\r\nc\rd\ve\ff\u0085g\u2028h\u2029i")).toEqual([..."abcdefghi"]);
  expect(diagnosticAt("a\r\n\u2028 xy", 5, 2, "m")).toEqual({
    message: "m",
    line: 3,
    column: 2,
    length: 2,
    source: " xy",
  });
});

test("an error carries them beside its message, and has none otherwise", () => {
  const diagnostics = [{ message: "wrong", line: 1, column: 2, length: 3, source: "source" }];
  const cause = new Error("cause");
  const error = new ComputeError("shader-compilation", "message", { cause, diagnostics });
  expect(error).toMatchObject({ cause, diagnostics });
  // The message shows them already.
  expect(Object.keys(error)).not.toContain("diagnostics");
  expect(new ComputeError("timeout", "message").diagnostics).toEqual([]);
});
