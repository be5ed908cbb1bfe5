import { expect, test } from "vitest";
import { ByteBudget } from "./byte-budget.js";

test("lets in what fits, in the order of the calls, and more than fits only alone", async () => {
  const budget = new ByteBudget(100);
  const log: number[] = [];
  const take = async (bytes: number) => {
    await budget.take(bytes);
    log.push(bytes);
  };
  const all = [take(60), take(50), take(10), take(500), take(20)];
  await undefined;
  expect([budget.taken, log]).toEqual([60, [60]]);
  budget.give(60);
  await Promise.all(all.slice(0, 3));
  expect([budget.taken, log]).toEqual([60, [60, 50, 10]]);
  budget.give(50);
  budget.give(10);
  await all[3];
  expect(budget.taken).toBe(500);
  budget.give(500);
  await Promise.all(all);
  expect(log).toEqual([60, 50, 10, 500, 20]);
});
