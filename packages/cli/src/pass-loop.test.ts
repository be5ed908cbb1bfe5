import { expect, it } from "vitest";
import { PassLoop } from "./pass-loop.js";

/** A loop in which each step waits until the test ends it. */
function startLoop() {
  let endStep = () => {};
  const steps: string[] = [];
  let onStep = () => {};
  const enter = (step: string) => {
    steps.push(step);
    onStep();
  };
  const step = (name: string) => () =>
    new Promise<void>((resolve) => {
      endStep = resolve;
      enter(name);
    });
  const loop = new PassLoop(step("pass"), step("settle"));
  const ended = loop.run(() => enter("idle"));
  return {
    loop,
    ended,
    steps,
    /** Ends the current step; resolves when the loop enters the next one or has stopped. */
    async end(): Promise<void> {
      const entered = new Promise<void>((resolve) => {
        onStep = resolve;
      });
      endStep();
      await Promise.race([entered, ended]);
    },
    /** Reports a change to an idle loop; resolves when the loop settles. */
    async wake(): Promise<void> {
      const entered = new Promise<void>((resolve) => {
        onStep = resolve;
      });
      loop.change();
      await entered;
    },
  };
}

it("makes one pass for two quick changes", async () => {
  const { loop, steps, end, wake } = startLoop();
  await end();
  expect(steps).toEqual(["pass", "idle"]);
  await wake();
  loop.change();
  expect(steps.slice(2)).toEqual(["settle"]);
  await end();
  await end();
  expect(steps.slice(2)).toEqual(["settle", "pass", "idle"]);
});

it("makes another pass for a change during a pass, once that change has settled too", async () => {
  const { loop, steps, end } = startLoop();
  loop.change();
  await end();
  expect(steps).toEqual(["pass", "settle"]);
  await end();
  await end();
  expect(steps).toEqual(["pass", "settle", "pass", "idle"]);
});

it("stops during a pass", async () => {
  const { loop, steps, end, ended } = startLoop();
  loop.stop();
  await end();
  await ended;
  expect(steps).toEqual(["pass"]);
});

it("stops while it is idle", async () => {
  const { loop, steps, end, ended } = startLoop();
  await end();
  loop.stop();
  await ended;
  expect(steps).toEqual(["pass", "idle"]);
});

it("stops instead of a pass while changes settle", async () => {
  const { loop, steps, end, wake, ended } = startLoop();
  await end();
  await wake();
  loop.stop();
  await end();
  await ended;
  expect(steps).toEqual(["pass", "idle", "settle"]);
});
