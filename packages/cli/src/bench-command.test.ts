import { expect, it } from "vitest";
import { createProject } from "./project.test-support.js";

it("times both backends and a plain loop, with results that are checked", async () => {
  const project = await createProject();
  const args = ["bench", "--software", "--sizes", "64,1000", "--repeat", "3"];
  const { code, output, errors } = await project.run(...args);
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  const lines = output.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^On .*SwiftShader.*, a software GPU: the CPU computes\.$/);
  expect(lines[1]).toMatch(/^ {2}elements {2}one-shot +first +warm +plain loop +one-shot \/ warm$/);
  expect(lines.slice(2).map((line) => line.trim().split(" ")[0])).toEqual(["64", "1000"]);
  const { rows, device } = JSON.parse((await project.run(...args, "--json")).output);
  expect(device.isSoftware).toBe(true);
  expect(Object.keys(rows[0])).toEqual(["elements", "oneShotMs", "firstMs", "warmMs", "plainLoopMs"]);
});

it("refuses sizes that are none", async () => {
  const { code, errors } = await (await createProject()).run("bench", "--sizes", "64,many");
  expect([code, errors]).toEqual([2, '--sizes must be a list of whole numbers from 1 to 16777216; got "many".\n']);
});
