import { type ComputeError, defineKernel, output } from "@kiln-gpu/core";
import { expectError } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

const before = "@group(0) @binding(0) var<storage, read_write> c: array<f32>;";
const main = (body: string) => `${before}\n@compute @workgroup_size(1) fn main() {\n${body}\n}`;

export function describeWgslDiagnostics(suite: Suite): void {
  describe("a compile error", () => {
    const backend = useBackend(suite);
    const errorOf = (wgsl: string): Promise<ComputeError> =>
      expectError(
        backend().prepare(defineKernel({ label: "broken", wgsl })),
        "shader-compilation",
        'Kernel "broken" does not',
      );

    it.each<[what: string, line: string, column: number, length: number, carets: string]>([
      ["of a name", "  c[0] = missing;", 10, 7, "         ^^^^^^^"],
      ["after tabs", "\t c[0] =\tmissing;", 10, 7, "\t       \t^^^^^^^"],
      ["after text beyond ASCII", "/* é漢\u{1F600} */ c[0] = missing;", 19, 7, "                   ^^^^^^^"],
      ["of a call that ends on a later line", "c[0] = max(1u,\n2i);", 8, 11, "       ^^^^^^^"],
    ])("%s has its place, the line, a caret and the device's message", async (_, line, column, length, carets) => {
      const error = await errorOf(main(line));
      const source = line.split("\n")[0]!;
      const [diagnostic] = error.diagnostics;
      expect(diagnostic).toMatchObject({ line: 3, column, length, source });
      const lines = error.message.split("\n");
      const [reason] = diagnostic!.message.split("\n");
      expect(lines[1]).toMatch(/^ {2}.*broken.*:3:\d+: /);
      expect(lines[1]).toContain(`:3:${column}: ${reason}`);
      expect(lines.slice(-2)).toEqual([`    ${source}`, `    ${carets}`]);
    });

    it("counts lines by every line break of WGSL", async () => {
      const [diagnostic] = (await errorOf(`\r\n\r\v\f\u0085\u2028\u2029${main("c[0] = missing;")}`)).diagnostics;
      expect(diagnostic).toMatchObject({ line: 10, column: 8, source: "c[0] = missing;" });
    });

    it("in a long line shows a part of it", async () => {
      const error = await errorOf(main(`${"c[0] = 1; ".repeat(5000)}c[0] = missing; ${"c[0] = 1; ".repeat(5000)}`));
      expect(error.diagnostics).toMatchObject([{ line: 3, column: 50_008, length: 7 }]);
      expect(error.message.length).toBeLessThan(600);
      const lines = error.message.split("\n");
      const carets = lines.at(-1)!;
      expect(lines.at(-2)!.slice(carets.indexOf("^"), carets.length)).toBe("missing");
    });

    it("among many is shown with the first five, and all are in `diagnostics`", async () => {
      const error = await errorOf(main("let a = ;\n".repeat(9)));
      expect(error.diagnostics.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
      for (const line of [3, 4, 5, 6, 7]) expect(error.message).toContain(`:${line}:9: `);
      expect(error.message).not.toContain(":8:9: ");
      expect(error.message).toMatch(/\.\.\. and 4 more$/);
    });

    it("includes its notes", async () => {
      const error = await errorOf(main("let a = 1; let a = 2;"));
      expect(error.diagnostics).toHaveLength(1);
      expect(error.message).toMatch(/note at 3:5: 'a' previously declared here/);
    });

    it("that Kiln finds before the device has the same form", async () => {
      const error = await errorOf(`${before}\n  compute fn main() {}`);
      expect(error.message.split("\n").slice(1)).toEqual([
        '  Kernel "broken":2:3: "compute" stands where a declaration is expected',
        "      compute fn main() {}",
        "      ^^^^^^^",
      ]);
    });

    it("without a position has its message", async () => {
      const error = await errorOf(main("/* \u0000 */ c[0] = 1;"));
      expect(error.diagnostics).toMatchObject([{ line: 0, source: "" }]);
      expect(error.message).toMatch(/illegal character/);
    });

    it("is reported for a group that no device has", async () => {
      const wgsl = main("c[0] = 1;").replace("@group(0)", "@group(4294967295)");
      const run = backend().run(defineKernel({ label: "far", wgsl }), { c: output(Float32Array, 1) });
      await expectError(run, "limit-exceeded", /"far".*"c".*group 4294967295.*0 to 3/);
    });
  });
}
