import { expect, it, vi } from "vitest";
import { openNullDevice } from "./null-device.test-support.js";
import { watchLoss } from "./watch-loss.js";

it("tells every listener of the loss once, and a later one at once", async () => {
  const device = await openNullDevice();
  const [first, second, late] = [vi.fn(), vi.fn(), vi.fn()];
  watchLoss(device, first);
  watchLoss(device, second);
  device.destroy();
  const info = await device.lost;
  expect(first.mock.calls).toEqual([[info]]);
  expect(second.mock.calls).toEqual([[info]]);
  watchLoss(device, late);
  expect(late.mock.calls).toEqual([[info]]);
  expect(first).toHaveBeenCalledOnce();
});

it("forgets a listener, and no other", async () => {
  const device = await openNullDevice();
  const [forgotten, kept] = [vi.fn(), vi.fn()];
  const forget = watchLoss(device, forgotten);
  watchLoss(device, kept);
  forget();
  forget();
  device.destroy();
  await device.lost;
  expect(forgotten).not.toHaveBeenCalled();
  expect(kept).toHaveBeenCalledOnce();
});

it("tells the others when one listener forgets another as it is told", async () => {
  const device = await openNullDevice();
  const told: string[] = [];
  watchLoss(device, () => {
    told.push("first");
    forgetSecond();
  });
  const forgetSecond = watchLoss(device, () => told.push("second"));
  watchLoss(device, () => told.push("third"));
  device.destroy();
  await device.lost;
  expect(told).toEqual(["first", "second", "third"]);
});
