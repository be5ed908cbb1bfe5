import { afterEach, expect, it, vi } from "vitest";
import { checkNode } from "./check-node.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

it("refuses an old Node in one sentence that names its version", () => {
  vi.stubGlobal("process", { versions: { node: "18.20.8" } });
  expect(checkNode).toThrow("Kiln needs Node 20.19 or later; this is Node 18.20.8.");
});

it.each([
  ["this Node", process],
  ["a page", undefined],
  ["a page whose bundler adds a process", { env: {} }],
])("accepts %s", (_, given) => {
  vi.stubGlobal("process", given);
  expect(checkNode).not.toThrow();
});
