import { ComputeError } from "@kiln-gpu/core";
import { expect, it } from "vitest";
import { Account } from "./account.js";

const lost = () => Promise.reject(new ComputeError("device-lost", "Gone."));

it("records how each call ends", async () => {
  const account = new Account();
  const may = (code: string) => code === "device-lost";
  await account.take("a", () => Promise.resolve(true), may);
  await account.take("b", () => Promise.resolve(false), may);
  await account.take("c", lost, may);
  await account.take("d", lost, () => false);
  await account.take(
    "e",
    () => Promise.reject(new TypeError("A defect.")),
    () => true,
  );
  account.complain("f");
  account.unhandled(new Error("g"));
  expect(account.totals()).toEqual({
    asked: 5,
    right: 1,
    wrong: 1,
    rejected: { "device-lost": 1 },
    unexpected: 2,
    hung: 0,
    unhandled: 1,
    complaints: 1,
  });
  expect(account.notes).toHaveLength(5);
  expect(account.notes[0]).toBe("b gave a wrong result.");
});

it("reports a call that does not settle once", async () => {
  let now = 0;
  const account = new Account(() => now);
  let finish: ((isRight: boolean) => void) | undefined;
  const taken = account.take(
    "a call",
    () =>
      new Promise<boolean>((resolve) => {
        finish = resolve;
      }),
    () => false,
  );
  now = 29_999;
  expect(account.findHung()).toBe(false);
  now = 30_000;
  expect([account.findHung(), account.findHung()]).toEqual([true, true]);
  expect(account.totals().hung).toBe(1);
  finish!(true);
  await taken;
  expect(account.takeLatencies()).toEqual([30_000]);
  expect(account.takeLatencies()).toEqual([]);
});
