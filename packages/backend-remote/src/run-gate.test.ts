import { expect, test } from "vitest";
import { RunGate } from "./run-gate.js";

test("lets runs in together, and one alone once the others have left", async () => {
  const gate = new RunGate();
  const log: string[] = [];
  const enter = async (name: string, isAlone: boolean) => {
    const leave = await gate.enter(isAlone);
    log.push(name);
    return leave;
  };
  const [first, second] = await Promise.all([enter("first", false), enter("second", false)]);
  const alone = enter("alone", true);
  const later = enter("later", false);
  first();
  await undefined;
  expect(log).toEqual(["first", "second"]);
  second();
  const leave = await alone;
  await undefined;
  expect(log).toEqual(["first", "second", "alone"]);
  leave();
  await later;
  expect(log).toEqual(["first", "second", "alone", "later"]);
});
