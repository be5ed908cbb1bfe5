import { ComputeError } from "@kiln-gpu/core";
import { expect, it } from "vitest";
import { Reporter } from "./reporter.js";

function reportTo(terminal: { readonly isTTY?: boolean; hasColors?(): boolean }): string {
  let text = "";
  const output = { ...terminal, write: (more: string) => (text += more) };
  const reporter = new Reporter("/project", output, output);
  reporter.changed("written", "/project/a.wgsl.ts");
  reporter.error("/project/b.spv", new ComputeError("unsupported-shader", "The shader is too new."));
  reporter.summary({ written: 1, unchanged: 0, removed: 0, wrong: 1 });
  return text;
}

const plain = "written a.wgsl.ts\nb.spv: error: The shader is too new.\nModules: 1 written, 0 up to date, 1 wrong.\n";

it("writes colours to a terminal that has some", () => {
  const [green, red, dim, end] = [32, 31, 2, 0].map((code) => `\u001b[${code}m`);
  expect(reportTo({ isTTY: true, hasColors: () => true })).toBe(
    plain
      .replace("written", `${green}written${end}`)
      .replace("error:", `${red}error:${end}`)
      .replace(/Modules.*/u, (summary) => `${dim}${summary}${end}`),
  );
});

it.each([{}, { isTTY: false, hasColors: () => true }, { isTTY: true, hasColors: () => false }])(
  "writes none to others: %j",
  (terminal) => {
    expect(reportTo(terminal)).toBe(plain);
  },
);
