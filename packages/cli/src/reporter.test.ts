import { ComputeError } from "@kiln-gpu/core";
import { expect, it } from "vitest";
import { collectText } from "./project.test-support.js";
import { Reporter } from "./reporter.js";

function reportTo(terminal: { readonly isTTY?: boolean; getColorDepth?(): number }): string {
  const { stream, text } = collectText(terminal);
  const reporter = new Reporter("/project", stream, stream);
  reporter.changed("written", "/project/a.wgsl.ts");
  reporter.error("/project/b.spv", new ComputeError("unsupported-shader", "The shader is too new."));
  reporter.summary({ written: 1, unchanged: 0, removed: 0, wrong: 1 });
  return text();
}

const plain = "written a.wgsl.ts\nb.spv: error: The shader is too new.\nModules: 1 written, 0 up to date, 1 wrong.\n";

it("prints in color to a terminal that shows color", () => {
  const [green, red, foreground, dim, bright] = [32, 31, 39, 2, 22].map((code) => `\u001b[${code}m`);
  expect(reportTo({ isTTY: true, getColorDepth: () => 4 })).toBe(
    plain
      .replace("written", `${green}written${foreground}`)
      .replace("error:", `${red}error:${foreground}`)
      .replace(/Modules.*/u, (summary) => `${dim}${summary}${bright}`),
  );
});

it.each([
  ["a file or a pipe", {}],
  ["a stream that is not a terminal", { isTTY: false, getColorDepth: () => 4 }],
  ["a terminal without color, or with NO_COLOR", { isTTY: true, getColorDepth: () => 1 }],
])("prints no color to %s", (_, terminal) => {
  expect(reportTo(terminal)).toBe(plain);
});
