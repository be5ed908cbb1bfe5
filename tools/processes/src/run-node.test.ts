import { expect, it } from "vitest";
import { runNode } from "./index.js";

it("separates what a program writes to standard error from what is written past it", async () => {
  const code = `
    console.log("out");
    console.error("mine");
    process.emitWarning("careful");
    require("node:fs").writeSync(2, "a driver's\\n");`;
  const { stderr, words, ...end } = await runNode(["--eval", code]);
  expect(end).toEqual({ status: 0, signal: null, stdout: "out\n" });
  expect(words).toMatch(/^mine\n.*Warning: careful\n/);
  expect(words).not.toContain("driver");
  expect(stderr).toContain("mine\n");
  expect(stderr).toContain("a driver's\n");
});

it("reports how a process ends", async () => {
  const { status, words, stderr } = await runNode(["--eval", 'throw new Error("a mistake")']);
  expect({ status, words }).toEqual({ status: 1, words: "" });
  expect(stderr).toContain("Error: a mistake");
  const hanging = await runNode(["--eval", "setInterval(() => {}, 1000)"], { timeoutMs: 500 });
  expect(hanging).toMatchObject({ status: null, signal: "SIGTERM" });
});
