import { ComputeError } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { DeviceWaiters } from "./device-waiters.js";

const reason = new ComputeError("device-lost", "It is lost.");

test("a waiter is rejected with the loss of the last device that it may wait through", async () => {
  const waiters = new DeviceWaiters(3);
  const waiting = waiters.wait();
  waiting.catch(() => undefined);
  for (const left of [1, 1, 0]) {
    waiters.lose(reason);
    expect(waiters.count).toBe(left);
  }
  await expect(waiting).rejects.toBe(reason);
});

test("each waiter counts the losses since it came", async () => {
  const waiters = new DeviceWaiters(2);
  const first = waiters.wait();
  first.catch(() => undefined);
  waiters.lose(reason);
  const second = waiters.wait();
  waiters.lose(reason);
  await expect(first).rejects.toBe(reason);
  expect(waiters.count).toBe(1);
  waiters.refuse(reason);
  await expect(second).rejects.toBe(reason);
  expect(waiters.count).toBe(0);
});
